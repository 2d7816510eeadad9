import pytest

from textgan.caption.word_swap import WordSwap

CAPTIONS = [
    "a large red circle above a small blue square",
    "a large blue circle above a small red square",
    "a small green circle above a large red square",
    "two dogs run",
    "two cats run",
]


def changed(before: str, after: str) -> list[tuple[str, str]]:
    pairs = zip(before.split(), after.split(), strict=True)
    return [(one, other) for one, other in pairs if one != other]


def test_one_word_changes_into_one_that_stands_between_the_same_words_elsewhere():
    swap = WordSwap(CAPTIONS)
    seen = set()
    for key in range(40):
        ((before, after),) = changed(CAPTIONS[0], swap(CAPTIONS[0], key))
        seen.add((before, after))
    # "a _ red" has large and small, "large _ circle" red and blue, and so on for the square
    assert seen == {("large", "small"), ("red", "blue"), ("small", "large"), ("blue", "red")}
    assert changed(CAPTIONS[3], swap(CAPTIONS[3], 0)) == [("dogs", "cats")]


def test_without_such_a_place_a_word_that_follows_the_same_word_is_taken():
    ((before, after),) = changed("a large hat", WordSwap(CAPTIONS)("a large hat", 0))
    assert (before, after) in {
        ("a", "two"),
        ("large", "small"),
        ("hat", "red"),
        ("hat", "blue"),
    }


def test_a_caption_without_any_other_word_stays():
    assert WordSwap([])("anything at all", 0) == "anything at all"
    assert WordSwap(["one"])("one", 0) == "one"
    assert WordSwap(CAPTIONS)("", 0) == ""


def test_the_key_decides_and_neither_the_order_of_captions_nor_their_case():
    one, other = WordSwap(CAPTIONS), WordSwap([text.upper() for text in reversed(CAPTIONS)])
    edits = [one(CAPTIONS[0], 1, key) for key in range(20)]
    assert edits == [other(CAPTIONS[0], 1, key) for key in range(20)]
    assert len(set(edits)) > 1


def test_words_of_more_than_a_share_of_the_captions_stay_and_are_put_nowhere():
    captions = ["a cat", "a dog", "a cow", "the cat", "one dog"]
    spared, free = WordSwap(captions, max_share=0.5), WordSwap(captions)
    # "a" is in three of five captions, "cat" and "dog" in two
    assert {spared("a cat", key) for key in range(40)} == {"a dog", "a cow"}
    assert {free("a cat", key) for key in range(40)} == {"a dog", "a cow", "the cat"}
    assert {spared("the cat", key) for key in range(40)} == {"one cat"}
    assert {free("the cat", key) for key in range(40)} == {"a cat"}
    # of the words that may be put behind "small" or "large", "red" is in three captions
    assert changed(CAPTIONS[0], WordSwap(CAPTIONS, max_share=0.4)(CAPTIONS[0], 0)) == [
        ("blue", "green")
    ]
    assert WordSwap(CAPTIONS, max_share=0.4)(CAPTIONS[1], 0) == CAPTIONS[1]


def test_a_share_that_is_just_reached_spares_nothing():
    captions = ["a cat", "a dog", "the cow", "one hen"]
    seen = [
        {WordSwap(captions, max_share=share)("the cat", key) for key in range(40)}
        for share in (0.5, 0.49)
    ]
    assert seen == [{"a cat", "the cow"}, {"the cow"}]


def test_a_share_of_one_spares_no_word():
    one, other = WordSwap(["a b", "a c"]), WordSwap(["a b", "a c"], max_share=1.0)
    assert [one("a b", key) for key in range(9)] == [other("a b", key) for key in range(9)]


@pytest.mark.parametrize("share", [0, -0.5, 1.5])
def test_a_share_beyond_its_range_is_one_sentence(share):
    with pytest.raises(ValueError, match=f"max_share must be above 0 and at most 1, got {share}"):
        WordSwap(CAPTIONS, max_share=share)
