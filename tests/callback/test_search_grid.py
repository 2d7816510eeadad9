import pytest
from PIL import Image


@pytest.mark.slow
def test_a_run_leaves_an_image_of_what_captions_find(textgan, tiny, tmp_path):
    words = [word for word in tiny if not word.startswith(("model.", "callback", "metric"))]
    small = ["model.image_encoder.base_width=4", "model.image_encoder.max_width=8"]
    small += ["model.text_encoder.depth=1", "model.text_encoder.num_heads=2"]
    status, out, err = textgan(
        *("fit", "model=contrastive", *words, *small, "validate_every_images=16"),
        *("model.text_encoder.vocab_size=270", f"hydra.run.dir={tmp_path}/run"),
    )
    assert status == 0, err
    grids = sorted((tmp_path / "run/samples").glob("*.png"))
    assert [grid.stem for grid in grids] == ["000000016", "000000032"]
    with Image.open(grids[-1]) as grid:
        assert grid.width > grid.height / 2
    assert "last image grid: run/samples/000000032.png" in out
    assert 'next: textgan search FOLDER "a caption" --model run/pipeline' in out
    status, out, err = textgan("test", "ckpt_path=run/last.ckpt", "hydra.run.dir=tested")
    assert status == 0, err
    assert "Classes" not in (tmp_path / "tested/evaluation.html").read_text()
    assert "Most similar images" in (tmp_path / "tested/evaluation.html").read_text()


def test_encoders_that_are_not_named_are_asked_for(textgan):
    status, _, err = textgan("fit", "text_encoder=saved_frozen", "trainer.max_steps=1")
    assert status == 2
    assert "encoders must be given" in err
    assert "model.text_encoder.encoder.path" in err
