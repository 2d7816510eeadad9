"""The GANs of the latent benchmark are built as its page says, and its table has them all."""

import copy

import pytest

from benchmarks.latent import measure
from benchmarks.latent.measure import CONTESTANTS, build, table


@pytest.fixture
def built(tmp_path, monkeypatch):
    contestants = copy.deepcopy(CONTESTANTS)
    monkeypatch.setattr(measure, "CONTESTANTS", contestants)
    for one in contestants.values():
        build(one, tmp_path)
    return contestants


def test_the_gans_of_64_pixels_have_about_as_many_parameters(built):
    counts = [one.parameters() for one in built.values() if one.image_size == 64]
    assert len(counts) == 4
    assert all(abs(count / counts[0] - 1) < 0.12 for count in counts)


def test_the_table_has_the_ratios_to_the_first(built):
    for place, one in enumerate(built.values()):
        one.images_per_second, one.milliseconds = [10.0, 20.0], [2.0 + place, 4.0 + 2 * place]
    text = table()
    for name in built:
        assert name in text
    first, second = text.splitlines()[2:4]
    assert first.endswith("| 15.0 | 1.00 | 3.0 | 1.00 |")
    assert second.endswith("| 15.0 | 1.00 | 4.5 | 1.50 |")
