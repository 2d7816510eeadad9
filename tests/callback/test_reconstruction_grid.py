import pytest
import torch
from PIL import Image

from textgan.callback.reconstruction_grid import ReconstructionGrid
from textgan.data import Shapes


class Mirror:
    """A pipeline whose reconstruction is the negative."""

    device = torch.device("cpu")

    def reconstruct(self, images: torch.Tensor) -> torch.Tensor:
        return -images


@pytest.fixture
def mirror(counting):
    counting.pipeline = Mirror
    return counting


def test_grids_are_drawn_at_the_start_at_multiples_and_at_the_end(trainer, mirror, tmp_path):
    data = Shapes(batch_size=4, image_size=16, val_size=4, train_size=40)
    trainer(ReconstructionGrid(every_images=16, number=3)).fit(mirror, data)
    paths = sorted((tmp_path / "samples").iterdir())
    assert [path.stem for path in paths] == ["000000000", "000000016", "000000032", "000000040"]
    grid = Image.open(paths[0])
    assert grid.width == 3 * (128 + 8) + 8
    top = grid.convert("RGB").getpixel((8 + 4, 8 + 4))
    below = grid.convert("RGB").getpixel((8 + 4, grid.height // 2 + 8 + 4))
    assert all(abs(255 - a - b) < 12 for a, b in zip(top, below, strict=True))


def test_a_number_out_of_range_is_refused():
    with pytest.raises(ValueError, match="number must be at least 1, got 0"):
        ReconstructionGrid(every_images=0, number=0)
