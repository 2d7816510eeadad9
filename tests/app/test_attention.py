import numpy as np
import pytest
from PIL import Image

from textgan.app.attention import has_attention, look, overlay, words
from textgan.app.drawing import draw


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
    assert has_attention(pipeline)
    assert not has_attention(make_pipeline(word_resolutions=()))


def test_heat_turns_a_picture_gray_and_glows():
    white = Image.new("RGB", (2, 1), "white")
    seen = np.asarray(overlay(white, np.array([[0.0, 1.0]])))
    # matplotlib's inferno goes from (0.001, 0.000, 0.014) to (0.988, 0.998, 0.645)
    assert seen[0, 0].tolist() == [204, 204, 205]  # 0.8 * 255 + 0.2 * 255 * inferno(0)
    assert seen[0, 1].tolist() == [252, 255, 178]  # 0.15 * 255 + 0.85 * 255 * inferno(1)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_picture_of_any_mode_takes_heat(mode):
    clear = Image.new(mode, (2, 1), {"L": 255, "RGB": "white", "RGBA": (9, 9, 9, 0)}[mode])
    assert np.asarray(overlay(clear, np.zeros((1, 2))))[0, 0].tolist() == [204, 204, 205]
