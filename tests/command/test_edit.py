"""`textgan edit`."""

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.cli.main import main
from textgan.generator import AttentionGenerator
from textgan.image.folder import read_square
from textgan.pipeline import DallePipeline, GANPipeline
from textgan.posterior import ConvolutionPosterior
from textgan.pretrained.frozen import weights_hash
from textgan.prior import GPTPrior
from textgan.quantizer import FSQ
from textgan.text_encoder import BertTextEncoder

CELL = 128 + 8
TOY = """
import torch
from textgan.pipeline import Option, PipelineOutput, TextToImagePipeline
from textgan.pipeline.base import converted
from textgan.pipeline.given import given_image


class Toy(TextToImagePipeline):
    '''Fades an image by the strength, and lights its corner by the number, seed and caption.'''

    abilities = frozenset({"image_to_image", "variations", "edit"})
    options = (
        Option("steps", int, 1, "More light the corner.", also=frozenset({"image_to_image"})),
    )
    image_size = 8

    def __init__(self):
        super().__init__()
        self.least = torch.nn.Parameter(torch.zeros(1))

    def generate(self, captions, keys, steps=1):
        return torch.zeros(len(captions), 3, 8, 8)

    def image_to_image(
        self, image, caption, *, strength=0.5, number=1, seed=0, steps=1, output_type="pil"
    ):
        faded = (1 - strength) * given_image(image, 8, 3).repeat(number, 1, 1, 1)
        faded[:, 0, 0, 0] = torch.arange(number) / 10 + seed / 100
        faded[:, 1, 0, 0] = len(caption) / 100
        faded[:, 2, 0, 0] = steps / 10
        return PipelineOutput(converted(faded, output_type))

    def variations(self, image, caption, *, strength=1.0, **options):
        return self.image_to_image(image, caption, strength=strength, **options)

    def edit(self, image, from_caption, to_caption, *, strength=0.75, output_type="pil"):
        return self.image_to_image(image, to_caption, strength=strength, output_type=output_type)
"""


def encoder() -> BertTextEncoder:
    torch.manual_seed(0)
    net = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    net.fit_tokenizer(["a red circle", "a blue square"])
    return net


def saved_gan(folder: Path) -> Path:
    """Save a tiny pipeline that edits."""
    torch.manual_seed(0)
    small = {"sample_shape": (3, 16, 16), "text_width": 8, "noise_width": 4}
    small |= {"width": 4, "max_width": 8}
    posterior = ConvolutionPosterior(**small)
    pipeline = GANPipeline(AttentionGenerator(**small), encoder(), posterior=posterior)
    pipeline.eval().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def gan(tmp_path_factory) -> Path:
    return saved_gan(tmp_path_factory.mktemp("editing") / "pipeline")


@pytest.fixture(scope="module")
def dalle(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    small = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1}
    autoencoder = ConvolutionAutoencoder(
        sample_shape=(3, 16, 16), quantizer=FSQ(levels=(4, 4)), **small
    )
    prior = GPTPrior((1, 2, 2), 16, text_width=8, width=12, depth=1, num_heads=2)
    folder = tmp_path_factory.mktemp("inpainting") / "pipeline"
    DallePipeline(prior, encoder(), autoencoder).eval().save_pretrained(folder)
    return folder


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Iterator[list[str]]:
    """Options that name a pipeline with known results."""
    (tmp_path / "toy.py").write_text(TOY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("toy").Toy().save_pretrained("toy_model")
    yield ["--model", "toy_model", "--trust", "toy"]
    sys.modules.pop("toy")


@pytest.fixture(autouse=True)
def photo(tmp_path, monkeypatch) -> Path:
    """A file of 30 x 20 pixels, whose middle square is red above and blue below."""
    monkeypatch.chdir(tmp_path)
    picture = Image.new("RGB", (30, 20), "green")
    picture.paste("red", (5, 0, 25, 10))
    picture.paste("blue", (5, 10, 25, 20))
    picture.save("photo.png")
    return tmp_path / "photo.png"


def saved_mask(path: str = "mask.png", size: tuple[int, int] = (30, 20)) -> None:
    """Save a mask that is white in the upper half of the photo's middle square."""
    mask = Image.new("L", size, 0)
    mask.paste(255, (5, 0, 25, 10))
    mask.save(path)


def pixels(path: str | Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def facts(path: str | Path) -> dict:
    return json.loads(Image.open(path).text["textgan"])


def done(textgan: Callable, *words: object) -> str:
    status, out, err = textgan("edit", *map(str, words))
    assert status == 0, err
    return out.strip()


def test_the_given_square_comes_first_and_the_results_after_it(textgan, toy, photo):
    assert done(textgan, "photo.png", "a red circle", *toy) == "edit.png"
    grid = pixels("edit.png")
    assert grid.shape[1] == 8 + 5 * CELL
    square = read_square(photo, 8, 3).permute(1, 2, 0).numpy()
    assert square[1, 3, 0] > 0.9 > -0.9 > square[6, 3, 0]  # red above, blue below
    for column, share in enumerate((1, 0.5, 0.5, 0.5, 0.5)):  # the strength is 0.5
        expected = ((share * square + 1) * 127.5).round()
        for row in (1, 6):
            x, y = 8 + CELL * column + 16 * 3 + 8, 8 + 16 * row + 8
            assert np.array_equal(grid[y, x], expected[row, 3])
    assert facts("edit.png")["strength"] == 0.5


def test_raw_results_are_files_of_their_own_size(textgan, toy):
    words = ["photo.png", "a/b", "--strength", "1", "--seed", "3", "--number", "2", *toy]
    assert done(textgan, *words, "--raw", "--steps", "5") == "edits"
    assert sorted(file.name for file in Path("edits").iterdir()) == ["000_a_b.png", "001_a_b.png"]
    for number, red in ((0, 131), (1, 144)):  # 127.5 * (1 + 0.1 * number + 0.03)
        path = f"edits/00{number}_a_b.png"
        assert pixels(path).shape == (8, 8, 3)
        assert tuple(pixels(path)[0, 0]) == (red, 131, 191)  # 3 letters, and 5 steps
        assert facts(path)["key"] == [3, 0, number]
    done(textgan, *words, "--raw", "--no_metadata", "--out", "plain")
    assert Image.open("plain/000_a_b.png").text == {}


def test_a_png_tells_how_an_image_was_drawn_anew(textgan, toy):
    done(textgan, "photo.png", "größe", "--strength", "0.25", "--seed", "7", *toy)
    texts = Image.open("edit.png").text
    assert texts["Description"] == "größe"
    known = facts("edit.png")
    assert len(known.pop("weights")) == 64
    assert known == {
        "captions": ["größe"],
        "edit": "image_to_image",
        "seed": 7,
        "strength": 0.25,
        "pipeline": "Toy",
        "options": {"steps": 1},
    }


def test_variations_need_no_caption(textgan, toy):
    for caption, green in (([], 128), (["ten letters"], 142)):
        words = ["--variations", "--raw", "--number", "1", "--out", "x", "--strength", "0.5"]
        done(textgan, "photo.png", *caption, *words, *toy)
        (file,) = Path("x").iterdir()
        assert pixels(file)[0, 0, 1] == green
        assert (facts(file)["edit"], facts(file)["captions"]) == ("variations", caption or [""])
        file.unlink()
    done(textgan, "photo.png", "--variations", *toy)
    assert facts("edit.png")["strength"] == 1.0  # that of the pipeline


def test_two_captions_change_an_image_as_the_pipeline_does(textgan, gan, photo):
    words = ["photo.png", "a blue square", "--from", "a red circle", "--model", gan]
    done(textgan, *words, "--raw", "--guidance_scale", "2")
    (file,) = Path("edits").iterdir()
    pipeline = GANPipeline.from_pretrained(gan)
    captions = ("a red circle", "a blue square")
    (expected,) = pipeline.edit(Image.open(photo), *captions, guidance_scale=2.0).images
    assert np.abs(pixels(file) - np.asarray(expected)).max() <= 1
    known = facts(file)
    assert known["captions"] == ["a blue square"]
    assert (known["edit"], known["from_caption"]) == ("edit", "a red circle")
    assert known["weights"] == weights_hash(pipeline)
    assert known["options"] == {"truncation": 1.0, "guidance_scale": 2.0}
    assert not {"seed", "strength", "key"} & {*known}
    done(textgan, *words)
    assert pixels("edit.png").shape[1] == 8 + 2 * CELL


def test_an_edit_has_a_strength_where_the_model_has_one(textgan, refused, toy, gan):
    words = ["photo.png", "a blue square", "--from", "a red circle"]
    for given, strength in (([], 0.75), (["--strength", "0.5"], 0.5)):
        done(textgan, *words, *given, *toy)
        assert facts("edit.png")["strength"] == strength
    said = refused("edit", *words, "--strength", "0.5", "--model", str(gan))
    assert "--strength has no effect with --from and a GANPipeline" in said


def test_a_mask_keeps_all_pixels_outside_of_it(textgan, dalle, photo):
    saved_mask()
    words = ["photo.png", "a red circle", "--mask", "mask.png", "--model", dalle, "--number", "2"]
    done(textgan, *words, "--raw", "--temperature", "1.5")
    given = (read_square(photo, 16, 3).permute(1, 2, 0) + 1) * 127.5
    files = sorted(Path("edits").iterdir())
    assert len(files) == 2
    for file in files:
        assert np.array_equal(pixels(file)[8:], given[8:].round().numpy())
        assert np.abs(pixels(file)[:8] - given[:8].numpy()).max() > 10
        assert facts(file)["edit"] == "inpaint"
        assert facts(file)["options"]["temperature"] == 1.5
    assert not np.array_equal(pixels(files[0]), pixels(files[1]))


def test_white_strokes_on_a_transparent_layer_are_a_mask(textgan, dalle):
    saved_mask()
    strokes = Image.new("RGBA", (30, 20), (255, 255, 255, 0))
    strokes.paste((255, 255, 255, 255), (5, 0, 25, 10))
    strokes.save("strokes.png")
    for mask in ("mask.png", "strokes.png"):
        words = ["photo.png", "a", "--mask", mask, "--model", dalle, "--out", f"of_{mask}"]
        done(textgan, *words)
    assert np.array_equal(pixels("of_mask.png"), pixels("of_strokes.png"))


def test_the_newest_run_that_can_do_it_is_taken(textgan, refused, tmp_path, generative):
    words = ["photo.png", "a blue square", "--from", "a red circle"]
    said = refused("edit", *words)
    assert (
        "no run that changes an image by two captions was found below ./runs: train one with "
        "`textgan fit model=diffusion` or `textgan fit model=gan model.save_posterior=true`" in said
    )
    saved_gan(tmp_path / "runs" / "able" / "pipeline")
    newer = tmp_path / "runs" / "unable" / "pipeline"
    newer.mkdir(parents=True)
    for file in generative.iterdir():
        (newer / file.name).write_bytes(file.read_bytes())
        os.utime(newer / file.name, (2**32, 2**32))
    assert done(textgan, *words) == "edit.png"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "a model that draws an image anew is trained by `textgan fit model=diffusion`"),
        (
            ["--mask", "mask.png"],
            "that draws a part of an image anew is trained by `textgan fit model=diffusion`",
        ),
        (["--from", "b"], "or `textgan fit model=gan model.save_posterior=true`"),
        (["--variations"], "draws variations of an image is trained by `textgan fit model=unclip`"),
    ],
)
def test_what_a_model_cannot_do_is_a_sentence(refused, generative, words, sentence):
    saved_mask()
    said = refused("edit", "photo.png", "a", *words, "--model", str(generative))
    assert "holds a GANPipeline; a model that" in said
    assert sentence in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a", "--mask", "m.png", "--from", "b"], "--mask cannot be used with --from: choose one"),
        (["a", "--from", "b", "--variations"], "--from cannot be used with --variations"),
        (["a", "b"], "edit takes one caption, got 2: put a caption in quotes"),
        ([], 'edit needs a caption, as in textgan edit IMAGE "a caption"'),
        (["--from", "b"], "edit needs a caption"),
        (["a", "--mask", "m.png", "--strength", "1"], "--strength has no effect with --mask"),
        (["a", "--from", "b", "--number", "2"], "--number has no effect with --from"),
        (["a", "--from", "b", "--seed", "0"], "--seed has no effect with --from"),
        (["a", "--number", "0"], "--number must be at least 1, got 0"),
        (["a", "--out", "a.jpg"], "--out must end in .png, got 'a.jpg'"),
        (["a", "--raw", "--out", __file__], "--out must be a folder with --raw, and"),
        (["a", "--max_megapixels", "0"], "must be positive, got 0"),
        (["a", "--mask", "none.png"], "--mask 'none.png' cannot be read: No such file"),
    ],
)
def test_words_that_make_no_sense_are_a_sentence(refused, words, sentence):
    assert sentence in refused("edit", "photo.png", *words)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a", "--strength", "x"], "argument --strength: invalid float value: 'x'"),
        (["a", "--steps", "1.5"], "--steps must be a whole number, got '1.5'"),
        (["a", "--truncation", "1"], "no such option: '--truncation'; this Toy has --steps"),
        (["a", "--from", "b", "--steps", "2"], "--steps has no effect with --from"),
        (["a", "--out", "photo.png/a.png"], "--out 'photo.png/a.png' cannot be written: "),
    ],
)
def test_values_that_the_model_cannot_take_are_a_sentence(refused, toy, words, sentence):
    assert sentence in refused("edit", "photo.png", *words, *toy)


def test_a_mask_of_another_size_is_a_sentence(refused, dalle):
    saved_mask(size=(20, 30))
    said = refused("edit", "photo.png", "a", "--mask", "mask.png", "--model", str(dalle))
    assert "mask must have the size of the upright image, (30, 20), got (20, 30)" in said


def test_files_that_are_no_images_are_a_sentence(refused, tmp_path, toy):
    Path("text.png").write_text("no image")
    Image.new("L", (9000, 9000)).save("large.png")
    os.mkfifo("pipe.png")
    for name, reason in (
        ("none.png", "No such file or directory"),
        ("text.png", "it is not an image that Pillow can read"),
        ("large.png", "its 9,000 x 9,000 pixels are more than max_megapixels = 64 allows"),
        ("pipe.png", "regular file"),
        (".", ""),
    ):
        said = refused("edit", name, "a", *toy)
        assert f"image {name!r} cannot be read: " in said
        assert reason in said
    assert "max_megapixels = 0.0001" in refused(
        "edit", "photo.png", "a", "--max_megapixels", "0.0001", *toy
    )


def test_help_names_the_options_of_the_models_that_edit(capsys):
    with pytest.raises(SystemExit) as end:
        main(["edit", "--help"])
    assert end.value.code == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "--temperature of a DallePipeline" in words
    assert "--num_inference_steps of a DiffusionPipeline" in words
    assert "--variations" in words


def test_a_diffusion_model_draws_an_image_anew(textgan, tmp_path, photo):
    pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")
    from textgan.denoiser import TransformerDenoiser
    from textgan.diffusion import FlowDiffusion
    from textgan.pipeline import DiffusionPipeline

    small = {"text_width": 8, "width": 16, "depth": 1, "num_heads": 2, "patch_size": 4}
    denoiser = TransformerDenoiser(sample_shape=(3, 16, 16), **small)
    DiffusionPipeline(denoiser, encoder(), FlowDiffusion()).eval().save_pretrained("model")
    words = ["a red circle", "--num_inference_steps", "10", "--model", "model", "--raw"]
    given = (read_square(photo, 16, 3).permute(1, 2, 0) + 1).numpy() * 127.5
    distance = {}
    for strength in ("0.1", "1"):
        done(textgan, "photo.png", *words, "--strength", strength, "--out", strength)
        results = [pixels(file) for file in sorted(Path(strength).iterdir())]
        assert len(results) == 4
        assert not np.array_equal(results[0], results[1])
        distance[strength] = np.abs(np.stack(results) - given).mean()
    assert distance["0.1"] < distance["1"]
    done(textgan, "photo.png", *words, "--from", "a red circle", "--out", "same")
    (same,) = Path("same").iterdir()  # equal captions give the image
    assert np.abs(pixels(same) - given).mean() < distance["0.1"]
    assert facts(same)["strength"] == 1.0
    saved_mask()
    done(textgan, "photo.png", *words, "--mask", "mask.png", "--out", "masked")
    for file in Path("masked").iterdir():
        assert np.array_equal(pixels(file)[8:], given[8:].round())
