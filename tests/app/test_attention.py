import pytest

from textgan.app.attention import attention_overlays, words
from textgan.image.heat import overlay


def test_words_are_the_captions_without_their_weights(pipeline):
    assert words(pipeline, "a (red:1.5) circle") == ["a", "red", "circle"]


def test_each_image_lies_under_the_heat_of_its_own_noise(pipeline, sample):
    samples = sample(pipeline, "a red circle", number=3, seed=5, truncation=0.5)
    for index, shown in enumerate(attention_overlays(pipeline, samples, 1)):
        of_word = pipeline.attention("a red circle", seed=5, index=index, truncation=0.5)[1]
        expected = overlay(samples.images[index], of_word.map.numpy())
        assert shown.tobytes() == expected.tobytes()


def test_words_have_heat_of_their_own(pipeline, sample):
    samples = sample(pipeline, "a red circle", number=1)
    one, other = (attention_overlays(pipeline, samples, word)[0].tobytes() for word in (0, 2))
    assert one != other


@pytest.mark.parametrize("word", [-1, 3])
def test_a_word_that_the_caption_has_not_is_refused(pipeline, sample, word):
    with pytest.raises(ValueError, match=f"fewer than {word + 1} words"):
        attention_overlays(pipeline, sample(pipeline, "a red circle", number=1), word)


def test_a_generator_that_attends_to_no_words_has_none_to_show(make_pipeline, pipeline):
    assert words(pipeline, "a star") == ["a", "star"]
    assert words(make_pipeline(word_resolutions=()), "a star") == []
