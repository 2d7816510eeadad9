import numpy as np
import pytest

from textgan.app.animation import animate
from textgan.app.drawing import draw


def test_the_way_leads_from_the_one_drawing_to_the_other(pipeline):
    way = animate(pipeline, "a red circle", "a blue square", frames=5, seed=3)
    assert len(way.frames) == 5
    for frame, caption in ((way.frames[0], way.start), (way.frames[-1], way.end)):
        drawn = draw(pipeline, caption, number=1, seed=3).images[0]
        assert np.abs(np.asarray(frame, dtype=int) - np.asarray(drawn, dtype=int)).max() <= 1


@pytest.mark.parametrize(
    ("start", "end", "frames", "said"),
    [
        ("", "a", 8, "Type a first caption"),
        ("a", " ", 8, "Type a second caption"),
        ("a", "b" * 1001, 8, "A second caption may have 1,000 characters"),
        ("a", "b", 1, "frames must be from 2 to 32, got 1"),
        ("a", "b", 33, "frames must be from 2 to 32, got 33"),
    ],
)
def test_what_cannot_be_animated_is_refused_in_words(pipeline, start, end, frames, said):
    with pytest.raises(ValueError, match=said):
        animate(pipeline, start, end, frames=frames)
