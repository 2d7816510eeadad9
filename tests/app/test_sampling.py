import pytest


def test_images_are_those_that_the_pipeline_generates_with_the_seed(pipeline, sample, gap):
    samples = sample(pipeline, "a red circle", number=3, seed=7)
    alone = [pipeline("a red circle", seed=7, indices=[index]).images[0] for index in range(3)]
    assert all(gap(*pair) <= 1 for pair in zip(samples.images, alone, strict=True))
    assert samples.request.seed == 7
    assert samples.milliseconds > 0


def test_a_seed_gives_the_same_again_and_another_does_not(pipeline, sample):
    first, again, other = (sample(pipeline, "a red circle", seed=seed) for seed in (1, 1, 2))
    assert [i.tobytes() for i in first.images] == [i.tobytes() for i in again.images]
    assert first.images[0].tobytes() != other.images[0].tobytes()


def test_without_noise_all_images_are_the_same(pipeline, sample, gap):
    images = sample(pipeline, "a red circle", truncation=0.0).images
    assert all(gap(image, images[0]) <= 1 for image in images)


@pytest.mark.parametrize(
    "caption", ["🙂 👩‍🚀", "一只红色的猫", "a (red:1.5) circle", "(red:x)", "((", "a\nb"]
)
def test_any_script_is_sampled(pipeline, sample, caption):
    assert len(sample(pipeline, caption, number=2).images) == 2


@pytest.mark.parametrize(
    ("caption", "options", "message"),
    [
        ("", {}, "Type a caption to generate images."),
        (" \n", {}, "Type a caption to generate images."),
        ("word " * 2000, {}, "may have 1,000 characters, and this one has 10,000"),
        ("a (red:11) circle", {}, "weight"),
        ("a", {"number": 0}, "images must be from 1 to 16, got 0"),
        ("a", {"number": 17}, "images must be from 1 to 16, got 17"),
        ("a", {"truncation": 1.5}, "truncation must be in"),
    ],
)
def test_what_cannot_be_sampled_is_refused_in_words(pipeline, sample, caption, options, message):
    with pytest.raises(ValueError, match=message):
        sample(pipeline, caption, **options)


def test_words_that_are_cut_off_are_counted(pipeline):
    words = ["circle"] * 100
    unread = pipeline.unread_words(" ".join(words))
    assert 0 < unread < 100
    read = words[: 100 - unread]
    assert pipeline.unread_words(" ".join(read)) == 0
    assert pipeline.unread_words(" ".join([*read, "(one:1.5)", "more"])) == 2
