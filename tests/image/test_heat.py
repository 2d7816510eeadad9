import numpy as np
import pytest
from PIL import Image

from textgan.image.heat import overlay


def test_heat_turns_an_image_gray_and_glows():
    white = Image.new("RGB", (2, 1), "white")
    seen = np.asarray(overlay(white, np.array([[0.0, 1.0]])))
    # matplotlib's inferno goes from (0.001, 0.000, 0.014) to (0.988, 0.998, 0.645)
    assert seen[0, 0].tolist() == [204, 204, 205]  # 0.8 * 255 + 0.2 * 255 * inferno(0)
    assert seen[0, 1].tolist() == [252, 255, 178]  # 0.15 * 255 + 0.85 * 255 * inferno(1)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_an_image_of_any_mode_takes_heat(mode):
    clear = Image.new(mode, (2, 1), {"L": 255, "RGB": "white", "RGBA": (9, 9, 9, 0)}[mode])
    assert np.asarray(overlay(clear, np.zeros((1, 2))))[0, 0].tolist() == [204, 204, 205]
