"""A saved pipeline is measured as the checkpoint that it came from."""

import pytest
import torch
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from textgan.metric import Sharpness
from textgan.model import PipelineModel


def test_a_saved_pipeline_has_the_numbers_of_its_model(model, data, fitted, trainer, tmp_path):
    first = model(metrics={"sharpness": Sharpness()}, seed=3)
    fitted(first)
    first.pipeline().save_pretrained(tmp_path / "pipeline")
    again = PipelineModel(str(tmp_path / "pipeline"), metrics={"sharpness": Sharpness()}, seed=3)
    for each in (first, again):
        trainer().test(each, datamodule=data(), verbose=False)
    assert again.values == pytest.approx(first.values, rel=1e-5)
    reports = [each.report(source="here") for each in (first, again)]
    hashes = [report.protocols["sharpness"]["hash"] for report in reports]
    assert hashes[0] == hashes[1]
    assert reports[0].model["weights_sha256"] == reports[1].model["weights_sha256"]
    assert reports[0].data["pictures"] == 4


def test_it_draws_the_same_images(model, fitted, tmp_path):
    first = model()
    fitted(first)
    first.pipeline().save_pretrained(tmp_path)
    draws = [
        pipeline(["a red circle"], seed=1, output_type="pt").images
        for pipeline in (first.pipeline(), PipelineModel(str(tmp_path)).pipeline())
    ]
    torch.testing.assert_close(draws[0], draws[1])


def test_it_cannot_be_trained(model, data, fitted, trainer, tmp_path):
    first = model()
    fitted(first)
    first.pipeline().save_pretrained(tmp_path / "pipeline")
    with pytest.raises(MisconfigurationException, match="training_step"):
        trainer().fit(PipelineModel(str(tmp_path / "pipeline")), datamodule=data())


def test_a_folder_without_a_pipeline_is_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no config\.json"):
        PipelineModel(str(tmp_path))
