import numpy as np
import pytest

from textgan.app.drawing import draw


def pixels(image):
    return np.asarray(image, dtype=int)


def test_pictures_are_those_that_the_pipeline_draws_of_the_seed(pipeline):
    drawing = draw(pipeline, "a red circle", number=3, seed=7)
    alone = [pipeline("a red circle", seed=7, indices=[index]).images[0] for index in range(3)]
    for image, expected in zip(drawing.images, alone, strict=True):
        assert np.abs(pixels(image) - pixels(expected)).max() <= 1
    assert drawing.seed == 7
    assert drawing.milliseconds > 0


def test_a_seed_draws_the_same_again_and_another_does_not(pipeline):
    first, again, other = (draw(pipeline, "a red circle", seed=seed) for seed in (1, 1, 2))
    assert [i.tobytes() for i in first.images] == [i.tobytes() for i in again.images]
    assert first.images[0].tobytes() != other.images[0].tobytes()


def test_without_noise_all_pictures_are_the_same(pipeline):
    images = draw(pipeline, "a red circle", number=4, truncation=0.0).images
    for image in images:
        assert np.abs(pixels(image) - pixels(images[0])).max() <= 1


@pytest.mark.parametrize(
    "caption", ["🙂 👩‍🚀", "一只红色的猫", "a (red:1.5) circle", "(red:x)", "((", "a\nb"]
)
def test_any_script_is_drawn(pipeline, caption):
    assert len(draw(pipeline, caption, number=2).images) == 2


@pytest.mark.parametrize(
    ("caption", "options", "said"),
    [
        ("", {}, "Type a caption to see it drawn."),
        (" \n", {}, "Type a caption to see it drawn."),
        ("word " * 2000, {}, "may have 1,000 characters, and this one has 10,000"),
        ("a (red:11) circle", {}, "weight"),
        ("a", {"number": 0}, "pictures must be from 1 to 16, got 0"),
        ("a", {"number": 17}, "pictures must be from 1 to 16, got 17"),
        ("a", {"truncation": 1.5}, "truncation must be in"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(pipeline, caption, options, said):
    with pytest.raises(ValueError, match=said):
        draw(pipeline, caption, **options)


def test_words_that_are_cut_off_are_counted(pipeline):
    words = ["circle"] * 100
    unread = pipeline.unread_words(" ".join(words))
    assert 0 < unread < 100
    read = words[: 100 - unread]
    assert pipeline.unread_words(" ".join(read)) == 0
    assert pipeline.unread_words(" ".join([*read, "(one:1.5)", "more"])) == 2
