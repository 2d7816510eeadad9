import pytest
from PIL import Image

from textgan.callback.prediction_writer import PredictionWriter, file_name


def test_each_caption_has_an_image_of_its_own(trainer, counting, batches, tmp_path):
    trainer(PredictionWriter()).predict(counting, batches, return_predictions=False)
    names = sorted(path.name for path in (tmp_path / "predictions").iterdir())
    assert names == [f"{n:04d}_caption_{n % 3}.png" for n in range(4)]
    assert Image.open(tmp_path / "predictions" / names[0]).size == (8, 8)


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        ("a small red circle", "a_small_red_circle"),
        ("../etc/passwd", "etc_passwd"),
        ("ein grüner Kreis!", "ein_grüner_Kreis"),
        ("", "empty"),
        ("word " * 40, "_".join(["word"] * 12)),
    ],
)
def test_a_caption_becomes_a_harmless_file_name(caption, name):
    assert file_name(caption) == name
