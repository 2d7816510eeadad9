"""The benchmark of sampling options: its combinations, and what it counts."""

import json

import pytest
import torch

from benchmarks.sampling.measure import combinations, main, measured, table
from textgan.data import Shapes
from textgan.pipeline.base import PipelineOutput, TextToImagePipeline


def test_every_combination_of_the_values():
    found = combinations(["steps=1,2", "guidance_scale=1.5", "sampler=heun,null"])
    assert len(found) == 4
    assert found[0] == {"steps": 1, "guidance_scale": 1.5, "sampler": "heun"}
    assert found[-1] == {"steps": 2, "guidance_scale": 1.5, "sampler": None}
    assert combinations([]) == [{}]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["steps"], "NAME=VALUE,VALUE, got 'steps'"),
        (["=1"], "NAME=VALUE,VALUE, got '=1'"),
        (["steps="], "NAME=VALUE,VALUE, got 'steps='"),
        (["steps=1", "steps=2"], "got steps twice"),
    ],
)
def test_a_bad_option_is_named(words, said, capsys):
    with pytest.raises(SystemExit):
        main(["folder", *words])
    assert said in capsys.readouterr().err


class Painter(TextToImagePipeline):
    """Shows the right scene to `share` of the captions, and an empty image to the others."""

    image_size = 32

    def __init__(self, images: torch.Tensor):
        super().__init__()
        self.images = images

    def generate(self, captions, keys):
        raise NotImplementedError

    def __call__(self, captions, *, share, indices, output_type):
        shown = torch.tensor(indices) < share * len(self.images)
        return PipelineOutput(torch.where(shown[:, None, None, None], self.images[indices], 0.0))


def test_the_shares_by_hand():
    data = Shapes(image_size=32, test_size=40, batch_size=8)
    data.setup("test")
    batches = list(data.test_dataloader())
    painter = Painter(torch.cat([batch.images for batch in batches]))
    numbers, images, captions = measured(painter, data, {"share": 0.5})
    assert numbers["all"]["value"] == 0.5
    assert numbers["colour"]["value"] == 0.5
    assert numbers["all"]["low"] < 0.5 < numbers["all"]["high"]
    ones = sum(
        " a " not in caption.split(" on ")[0][2:] for batch in batches for caption in batch.captions
    )
    assert numbers["all_one"]["n"] == ones
    assert images.shape == (32, 3, 32, 32)
    assert captions == [caption for batch in batches for caption in batch.captions][:32]
    whole, _, _ = measured(painter, data, {"share": 1})
    assert whole["all"]["value"] == 1
    results = [{"options": {"share": 0.5}, "numbers": numbers}]
    text = table([*results, {"options": {"share": 1}, "numbers": whole}])
    assert text.startswith("| share | all right | one | two | colour | shape | count |")
    assert "| 0.5 | 50.0 % (35.2 to 64.8) |" in text


def test_the_program_writes_its_results(tmp_path):
    pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")
    from textgan.denoiser import TransformerDenoiser
    from textgan.diffusion import FlowDiffusion
    from textgan.pipeline import DiffusionPipeline
    from textgan.text_encoder import BertTextEncoder

    torch.manual_seed(0)
    sizes = {"text_width": 8, "width": 8, "depth": 1, "num_heads": 2, "patch_size": 8}
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(["a red circle"])
    denoiser = TransformerDenoiser(sample_shape=(3, 32, 32), **sizes)
    DiffusionPipeline(denoiser, encoder, FlowDiffusion()).save_pretrained(tmp_path / "model")
    out = tmp_path / "out"
    words = [str(tmp_path / "model"), "num_inference_steps=1,2", "-n", "3", "--out", str(out)]
    assert main(words) == 0
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert [one["options"] for one in found["results"]] == [
        {"num_inference_steps": 1},
        {"num_inference_steps": 2},
    ]
    assert "num_inference_steps=1,2" in found["command"]
    assert (out / "grid-num_inference_steps-2.png").is_file()
    assert (out / "table.md").read_text(encoding="utf-8").count("\n") == 4
