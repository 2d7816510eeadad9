"""Negatives: the word that is changed, and captions that are no negatives."""

import pytest

from textgan.data.negatives import Negatives

# each colour and thing in one caption of ten, "a" and "bird" in all
COLOURS = ("red", "blue", "green", "black", "white", "brown", "gray", "pink", "gold", "teal")
CAPTIONS = [f"a {colour} bird" for colour in COLOURS]


def test_the_word_that_gives_way_is_none_of_the_frequent_ones():
    negatives = Negatives(CAPTIONS)
    seen = {negatives("A red bird", ["A red bird"], key) for key in range(200)}
    assert seen == {f"A {colour} bird" for colour in COLOURS[1:]}


def test_no_negative_is_one_of_the_images_own_captions_in_another_guise():
    own = ["a red bird", "A  BLUE bird.", "a green, bird", "a black bird", "a white bird"]
    negatives = Negatives([*CAPTIONS, "a red, bird", "a red bird!"])
    seen = {negatives(own[0], own, key) for key in range(300)}
    assert {text.replace("bird!", "bird") for text in seen} == {
        f"a {colour} bird" for colour in COLOURS[5:]
    }


def test_a_word_that_is_all_punctuation_counts():
    captions = [f"keycap {sign}" for sign in ("#", "*", "!", "?")] + ["x"] * 40
    seen = {Negatives(captions)("keycap #", ["keycap #"], key) for key in range(60)}
    assert seen == {"keycap *", "keycap !", "keycap ?"}


def test_where_no_word_can_be_changed_another_images_caption_is_taken():
    negatives = Negatives(["cat", "dog", "dog", "Cat", "old horse"])
    seen = {negatives("cat", ["cat"], key) for key in range(60)}
    assert seen == {"dog", "old horse"}
    assert negatives("cat", ["cat", "Dog"], 0) == "old horse"


def test_seed_and_key_decide():
    drawn = [
        [Negatives(CAPTIONS)(CAPTIONS[0], CAPTIONS[:1], seed, key) for key in range(30)]
        for seed in (0, 1, 0)
    ]
    assert drawn[0] == drawn[2]
    assert drawn[0] != drawn[1]
    assert len(set(drawn[0])) > 5


def test_an_image_that_bears_all_captions_has_no_negative():
    negatives = Negatives(["a cat", "a pet"])
    assert not negatives.exist_for(["A cat", "a pet."])
    assert negatives.exist_for(["a cat", "A cat."])
    assert negatives.exist_for(["a cat"])
    assert not Negatives([]).exist_for(["a cat"])
    with pytest.raises(ValueError, match="negatives must differ from an image's own captions"):
        negatives("a cat", ["a cat", "a pet"], 0)
