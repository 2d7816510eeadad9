import pytest

from textgan.app.animation import animate


def test_an_animation_leads_from_one_caption_to_the_other(pipeline, sample, gap):
    made = animate(pipeline, "a red circle", "a blue square", frames=5, seed=3)
    assert len(made.frames) == 5
    for frame, caption in ((made.frames[0], made.start), (made.frames[-1], made.end)):
        assert gap(frame, sample(pipeline, caption, number=1, seed=3).images[0]) <= 1


@pytest.mark.parametrize(
    ("start", "end", "frames", "message"),
    [
        ("", "a", 8, "Type a first caption"),
        ("a", " ", 8, "Type a second caption"),
        ("a", "b" * 1001, 8, "A second caption may have 1,000 characters"),
        ("a", "b", 1, "frames must be from 2 to 32, got 1"),
        ("a", "b", 33, "frames must be from 2 to 32, got 33"),
    ],
)
def test_what_cannot_be_animated_is_refused_in_words(pipeline, start, end, frames, message):
    with pytest.raises(ValueError, match=message):
        animate(pipeline, start, end, frames=frames)
