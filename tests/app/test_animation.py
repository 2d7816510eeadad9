import io

import numpy as np
import pytest
from PIL import Image

from textgan.app.animation import animate, gif
from textgan.app.drawing import draw


def test_the_way_leads_from_the_one_drawing_to_the_other(pipeline):
    way = animate(pipeline, "a red circle", "a blue square", steps=5, seed=3)
    assert len(way.frames) == 5
    for frame, caption in ((way.frames[0], way.start), (way.frames[-1], way.end)):
        drawn = draw(pipeline, caption, number=1, seed=3).images[0]
        assert np.abs(np.asarray(frame, dtype=int) - np.asarray(drawn, dtype=int)).max() <= 1


@pytest.mark.parametrize(
    ("start", "end", "steps", "said"),
    [
        ("", "a", 8, "Type a first caption"),
        ("a", " ", 8, "Type a second caption"),
        ("a", "b" * 1001, 8, "A second caption may have 1,000 characters"),
        ("a", "b", 1, "steps must be from 2 to 32, got 1"),
        ("a", "b", 33, "steps must be from 2 to 32, got 33"),
    ],
)
def test_what_cannot_be_animated_is_refused_in_words(pipeline, start, end, steps, said):
    with pytest.raises(ValueError, match=said):
        animate(pipeline, start, end, steps=steps)


def test_a_gif_goes_there_and_back_and_rests_at_the_ends():
    colors = ["red", "lime", "blue"]
    moving = Image.open(io.BytesIO(gif([Image.new("RGB", (16, 16), c) for c in colors])))
    seen = []
    for place in range(moving.n_frames):
        moving.seek(place)
        seen.append((moving.convert("RGB").getpixel((0, 0)), moving.info["duration"]))
    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    assert seen == [(red, 700), (green, 90), (blue, 700), (green, 90)]
    assert moving.size == (256, 256)
    assert moving.info["loop"] == 0


def test_a_gif_of_two_frames_swings_between_them():
    moving = Image.open(io.BytesIO(gif([Image.new("L", (32, 32), c) for c in (0, 255)])))
    assert moving.n_frames == 2
