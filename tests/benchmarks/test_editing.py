"""The benchmark of edits: its pairs, and what it counts."""

import json

import pytest
import torch

from benchmarks.editing.measure import main, measured, methods_of, table, varied
from benchmarks.editing.scenes import make_pairs
from textgan.metric.shape_alignment import score
from textgan.pipeline.base import PipelineOutput, TextToImagePipeline
from textgan.scene.layout import place
from textgan.scene.reading import read
from textgan.scene.render import render
from textgan.scene.sampling import keys


@pytest.fixture(scope="module")
def pairs():
    return make_pairs(24, image_size=32, hard=False, max_objects=2, seed=0)


def test_the_image_shows_the_first_scene_and_one_attribute_differs(pairs):
    readings = read(torch.stack([pair.image for pair in pairs]))
    for pair, reading in zip(pairs, readings, strict=True):
        assert score(pair.before, reading)["all"]
        right = score(pair.after, reading)
        assert [name for name, ok in right.items() if ok is False] == ["all", pair.field]
        differing = [
            name
            for one, two in zip(pair.before.objects, pair.after.objects, strict=True)
            for name in ("size", "colour", "shape", "texture")
            if getattr(one, name) != getattr(two, name)
        ]
        assert differing == [pair.field]
    assert {pair.field for pair in pairs} == {"size", "colour", "shape"}


def test_the_mask_covers_the_object_that_changes(pairs):
    for pair in pairs:
        if len(pair.before.objects) == 1:
            background = pair.image[:, 0, 0]
            drawn = (pair.image - background[:, None, None]).abs().amax(0) > 0.2
            assert not (drawn & ~pair.mask).any()
            assert pair.mask.sum() < 32 * 32


def test_the_spread_is_that_of_the_data():
    near, wide = (
        make_pairs(8, image_size=32, hard=False, max_objects=1, seed=0, spread=spread)
        for spread in (0.5, 1.0)
    )
    places = [
        [(reading.objects[0].x, reading.objects[0].y) for reading in read(images)]
        for images in (torch.stack([pair.image for pair in pairs]) for pairs in (near, wide))
    ]
    for one, other in zip(*places, strict=True):
        for x, wider in zip(one, other, strict=True):
            assert abs(x - 0.5) == pytest.approx(abs(wider - 0.5) / 2, abs=0.02)


class Editor(TextToImagePipeline):
    """Returns the right image for every second pair, and the given image for the others."""

    abilities = frozenset({"edit", "inpaint", "variations"})
    image_size = 32

    def __init__(self, right: dict[str, torch.Tensor]):
        super().__init__()
        self.right = right

    def generate(self, captions, keys):
        return torch.stack([self.right[caption] for caption in captions])

    def edit(self, image, from_caption, to_caption, **_):
        return PipelineOutput(self.right.get(to_caption, image)[None])

    def inpaint(self, image, mask, caption, **_):
        return PipelineOutput(torch.where(mask, self.right.get(caption, image), image)[None])

    def variations(self, image, caption, **_):
        return PipelineOutput(image.flip(-1)[None])


def test_the_shares_by_hand():
    some = make_pairs(24, image_size=32, hard=False, max_objects=1, seed=0)
    after = [pair.after for pair in some]
    images = render(after, place(after, keys(0, 7, range(24))), 32)
    right = {pair.captions[1]: image for pair, image in list(zip(some, images, strict=True))[::2]}
    expected = sum(pair.captions[1] in right for pair in some) / 24
    editor = Editor(right)
    assert list(methods_of(editor)) == ["edit", "inpaint"]
    numbers, found = measured(some, methods_of(editor)["edit"], hard=False)
    assert numbers["edited"]["value"] == pytest.approx(expected)
    assert numbers["stayed"]["value"] == 1
    assert found.shape == (24, 3, 32, 32)
    assert f"| {100 * expected:.1f} % |" in table({"x": {"edit": numbers}})
    kept, _ = varied(some, editor, hard=False)
    assert kept["all"]["value"] == 1
    assert 0 < kept["moved"] < 0.7


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
    pipeline = DiffusionPipeline(denoiser, encoder, FlowDiffusion()).eval()
    pipeline.save_pretrained(tmp_path / "model")
    out = tmp_path / "out"
    assert main([f"flow={tmp_path / 'model'}", "--pairs", "2", "--out", str(out)]) == 0
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))["results"]["flow"]
    assert {"edit", "inpaint", "image_to_image, strength 0.5"} <= {*found}
    assert (out / "flow-inpaint.png").is_file()
