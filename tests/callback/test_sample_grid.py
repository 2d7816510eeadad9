import pytest
from PIL import Image

from textgan.callback.sample_grid import SampleGrid, first_captions, log_image
from textgan.data import Shapes


def test_grids_are_drawn_at_the_start_at_multiples_and_at_the_end(
    trainer, counting, batches, tmp_path
):
    trainer(SampleGrid(every_images=16)).fit(counting, batches)
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == ["000000000.png", "000000016.png", "000000032.png", "000000040.png"]


def test_every_grid_has_the_same_noise_and_captions(trainer, counting, batches, tmp_path):
    trainer(SampleGrid(every_images=0, captions=["a", "b"], seed=3)).fit(counting, batches)
    first, last = (Image.open(path) for path in sorted((tmp_path / "samples").iterdir()))
    assert first.tobytes() == last.tobytes()
    assert first.width == 2 * (128 + 8) + 8


def test_a_test_ends_with_a_grid(trainer, counting, batches, tmp_path):
    trainer(SampleGrid(every_images=16)).test(counting, batches, verbose=False)
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["000000000.png"]


def test_the_first_different_captions_are_taken(batches):
    found = first_captions(batches.val_dataloader(), 16)
    assert found == ["caption 0", "caption 1", "caption 2"]
    assert first_captions(batches.val_dataloader(), 2) == ["caption 0", "caption 1"]


def test_captions_are_taken_from_as_many_batches_as_it_needs():
    small, large = (Shapes(batch_size=size, val_size=40).val_dataloader() for size in (4, 40))
    found = first_captions(small, 10)
    assert len(found) == 10
    assert found == first_captions(large, 10)


def test_loggers_that_take_images_get_them(tmp_path):
    taken = []

    class Wandb:
        def log_image(self, key, images, step):
            taken.append((key, images[0].size, step))

    class Writer:
        def add_image(self, name, array, step, dataformats):
            taken.append((name, array.shape, step, dataformats))

    class TensorBoard:
        experiment = Writer()

    class Csv:
        experiment = object()

    for logger in (Wandb(), TensorBoard(), Csv()):
        log_image(logger, "samples", Image.new("RGB", (5, 3)), 7)
    assert taken == [("samples", (5, 3), 7), ("samples", (3, 5, 3), 7, "HWC")]


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="captions must hold at least one"):
        SampleGrid(every_images=1, captions=[])
    with pytest.raises(ValueError, match="number must be at least 1, got 0"):
        SampleGrid(every_images=1, number=0)
