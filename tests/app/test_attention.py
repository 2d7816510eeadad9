import pytest

from textgan.app.attention import look, words
from textgan.app.drawing import draw
from textgan.image.heat import overlay


def test_words_are_the_captions_without_their_weights(pipeline):
    assert words(pipeline, "a (red:1.5) circle") == ["a", "red", "circle"]


def test_each_picture_lies_under_the_heat_of_its_own_noise(pipeline):
    drawing = draw(pipeline, "a red circle", number=3, seed=5, truncation=0.5)
    for index, seen in enumerate(look(pipeline, drawing, 1)):
        of_word = pipeline.attention("a red circle", seed=5, index=index, truncation=0.5)[1]
        expected = overlay(drawing.images[index], of_word.map.numpy())
        assert seen.tobytes() == expected.tobytes()


def test_words_have_heat_of_their_own(pipeline):
    drawing = draw(pipeline, "a red circle", number=1)
    one, other = (look(pipeline, drawing, word)[0].tobytes() for word in (0, 2))
    assert one != other


@pytest.mark.parametrize("word", [-1, 3])
def test_a_word_that_the_caption_has_not_is_refused(pipeline, word):
    with pytest.raises(ValueError, match=f"no word number {word + 1}"):
        look(pipeline, draw(pipeline, "a red circle", number=1), word)


def test_a_generator_that_looks_at_no_words_has_none_to_show(make_pipeline, pipeline):
    assert words(pipeline, "a star") == ["a", "star"]
    assert words(make_pipeline(word_resolutions=()), "a star") == []
