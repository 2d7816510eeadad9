import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from textgan.denoiser import LowResolutionCondition, TransformerDenoiser
from textgan.diffusion import FlowDiffusion
from textgan.pipeline import DiffusionPipeline, UpsamplerPipeline
from textgan.text_encoder import BertTextEncoder


def test_a_checkpoint_a_folder_and_the_newest_run_draw_the_same(textgan, trained):
    shutil.copytree(trained, "runs/today/now")
    words = ["a red circle", "two blue squares", "--number", "3", "--seed", "5"]
    drawn = {}
    for name, model in {
        "newest": [],
        "run": ["--model", str(trained)],
        "checkpoint": ["--model", str(trained / "last.ckpt")],
        "pipeline": ["--model", str(trained / "pipeline")],
    }.items():
        status, _, err = textgan("sample", *words, *model, "--out", f"out/{name}.png")
        assert status == 0, err
        drawn[name] = Image.open(f"out/{name}.png").convert("RGB")
    assert len({image.tobytes() for image in drawn.values()}) == 1
    assert drawn["run"].width == 3 * (128 + 8) + 8


def test_a_saved_checkpoint_draws_as_the_checkpoint_did(textgan, trained):
    status, _, _ = textgan("save", str(trained / "last.ckpt"), "folder")
    assert status == 0
    for name, model in (("a", str(trained / "last.ckpt")), ("b", "folder")):
        textgan("sample", "a red circle", "--model", model, "--out", f"{name}.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    textgan("sample", "a red circle", "--model", "folder", "--seed", "1", "--out", "c.png")
    assert Path("a.png").read_bytes() != Path("c.png").read_bytes()


def test_a_png_tells_how_it_was_drawn(textgan, generative):
    words = ["sample", "a red circle", "größe", "--model", str(generative), "--number", "2"]
    status, _, err = textgan(*words, "--seed", "7", "--truncation", "0.5")
    assert status == 0, err
    texts = Image.open("sample.png").text
    assert texts["Description"] == "a red circle\ngröße"
    assert texts["Software"].startswith("textgan ")
    facts = json.loads(texts["textgan"])
    assert (facts["captions"], facts["seed"]) == (["a red circle", "größe"], 7)
    assert facts["options"] == {"truncation": 0.5, "guidance_scale": 1.0}
    assert len(facts["weights"]) == 64
    textgan(*words, "--no_metadata", "--out", "plain.png")
    assert Image.open("plain.png").text == {}


def test_raw_samples_are_files_of_their_own_size(textgan, generative):
    words = ["sample", "a red circle", "a/b", "--model", str(generative), "--number", "2"]
    status, out, err = textgan(*words, "--raw")
    assert status == 0, err
    assert out.strip() == "samples"
    assert sorted(file.name for file in Path("samples").iterdir()) == [
        "000_000_a_red_circle.png",
        "000_001_a_red_circle.png",
        "001_000_a_b.png",
        "001_001_a_b.png",
    ]
    for row, name in ((0, "000_001_a_red_circle.png"), (1, "001_001_a_b.png")):
        image = Image.open(Path("samples") / name)
        assert image.size == (16, 16)
        facts = json.loads(image.text["textgan"])
        assert facts["key"] == [0, row, 1]
    textgan(*words, "--out", "grid.png")  # the same samples, enlarged
    grid = Image.open("grid.png").convert("RGB")
    alone = Image.open("samples/000_000_a_red_circle.png").convert("RGB")
    assert grid.getpixel((8 + 4, 8 + 4)) == alone.getpixel((0, 0))


def test_an_animation_goes_from_one_caption_to_another_and_back(textgan, generative):
    words = ["a red circle", "--model", str(generative), "--to", "a blue square", "--frames", "5"]
    status, out, err = textgan("sample", *words)
    assert status == 0, err
    assert out.strip() == "sample.gif"
    animation = Image.open("sample.gif")
    assert animation.n_frames == 5 + 3
    assert animation.size == (256, 256)
    status, _, _ = textgan("sample", *words, "--to_seed", "9", "--out", "row.png")
    assert status == 0
    assert Image.open("row.png").size == (5 * 256, 256)


def test_a_image_of_attention_has_a_cell_for_the_sample_and_for_each_word(textgan, generative):
    words = ["--model", str(generative), "--attention"]
    status, _, err = textgan("sample", "a (red:2) circle", *words)
    assert status == 0, err
    assert Image.open("sample.png").width == 4 * (128 + 8) + 8


def test_reranked_draws_are_among_the_candidates(textgan, generative, contrastive):
    words = ["a red circle", "--model", str(generative), "--number", "2"]
    judged = ["--rerank", str(contrastive), "--candidates", "2", "--out", "best.png"]
    assert textgan("sample", *words, "--out", "plain.png")[0] == 0
    status, _, err = textgan("sample", *words, *judged)
    assert status == 0, err

    def cells(path: str) -> set[bytes]:
        grid = Image.open(path)
        return {grid.crop((8 + 136 * i, 8, 136 + 136 * i, 136)).tobytes() for i in (0, 1)}

    assert cells("best.png") == cells("plain.png")


def test_one_noise_for_all_captions_makes_equal_captions_equal(textgan, generative):
    words = ["sample", "a red circle", "a red circle", "--number", "1", "--model", str(generative)]
    for out, more in (("same.png", ["--same_noise"]), ("other.png", [])):
        assert textgan(*words, *more, "--out", out)[0] == 0
        grid = Image.open(out)
        half = grid.height // 2
        first = grid.crop((8, 8, 136, 136)).tobytes()
        second = grid.crop((8, 8 + half - 4, 136, 136 + half - 4)).tobytes()
        assert (first == second) == (out == "same.png")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--attention", "--to", "b"], "--attention cannot be used with --to or --to_seed"),
        (["b", "--attention"], "--attention takes one caption, got 2"),
        (["--same_noise", "--to", "b"], "--same_noise has no effect with --to or --to_seed"),
        (["--number", "2", "--attention"], "--number has no effect with --attention"),
        (
            ["--guidance_scale", "2", "--attention"],
            "--guidance_scale has no effect with --attention",
        ),
        (["--frames", "3"], "--frames has no effect without --to or --to_seed"),
        (["--candidates", "3"], "--candidates has no effect without --rerank"),
        (["--out", "a.gif"], "--out must end in .png, got 'a.gif'"),
        (["--raw", "--to", "b"], "--raw has no effect with --to or --to_seed"),
        (["--raw", "--out", __file__], "--out must be a folder with --raw, and"),
        (["--to", "b", "--out", "a.txt"], "--out must end in .gif or .png, got 'a.txt'"),
        (["--rerank", "./nowhere"], "--rerank './nowhere' does not exist"),
        (["--rerank", "o" * 400], "does not exist"),
        (["--truncation", "2"], "truncation must be in [0, 1], got 2.0"),
        (["--to", "b", "--frames", "1"], "frames must be at least 2"),
        (["--negative_prompt", "b"], "--negative_prompt has no effect on a GANPipeline"),
        (["--negative_prompt", "b", "--to", "c"], "--negative_prompt has no effect with --to"),
        (["--upsampler", "./nowhere"], "--upsampler './nowhere' does not exist"),
        (["--upsampler", "shapes"], "a model that draws larger images is trained by `textgan fit"),
    ],
)
def test_what_does_not_go_together_is_a_sentence(refused, generative, words, sentence):
    assert sentence in refused("sample", "a", *words, "--model", str(generative))


def test_without_a_run_the_bundled_model_is_used_and_named(textgan, contrastive):
    shutil.copytree(contrastive, "runs/clip/pipeline")
    status, out, err = textgan("sample", "a large red circle on a white background")
    assert status == 0, err
    assert "using the bundled model 'shapes'" in err
    image = Image.open(out.strip()).convert("RGB")
    middle = image.getpixel((8 + 64, 8 + 64))
    assert middle[0] > 180
    assert max(middle[1:]) < 90
    assert min(image.getpixel((10, 10))) > 200


@pytest.mark.parametrize(
    ("caption", "model"),
    [
        ("a small (star:1.3) on a navy background", "shapes"),
        ("a large blue square above a small red ring on a gray background", "shapes"),
        ("construction worker with dark skin tone", "emoji"),
        ("black cat", "emoji"),
    ],
)
def test_the_bundled_model_is_the_one_that_knows_the_words(textgan, caption, model):
    status, _, err = textgan("sample", caption)
    assert status == 0
    other = {"shapes": "emoji", "emoji": "shapes"}[model]
    assert f"using the bundled model {model!r}, whose vocabulary is nearer to the caption" in err
    assert f"--model {other} chooses the other one" in err


def test_a_bundled_model_is_chosen_by_its_name(textgan):
    status, out, err = textgan("sample", "a red circle", "--model", "emoji", "--number", "1")
    assert (status, err) == (0, "")
    assert Image.open(out.strip()).width == 128 + 16


def test_a_folder_comes_before_a_bundled_model_of_its_name(textgan, generative):
    shutil.copytree(generative, "emoji")
    first = textgan("sample", "a red circle", "--model", "emoji", "--out", "own.png")
    again = textgan("sample", "a red circle", "--model", str(generative), "--out", "again.png")
    assert first[0] == again[0] == 0
    assert Image.open("own.png").tobytes() == Image.open("again.png").tobytes()


def test_a_run_comes_before_the_bundled_model(textgan, generative):
    shutil.copytree(generative, "runs/own/pipeline")
    status, _, err = textgan("sample", "a red circle")
    assert (status, err) == (0, "")


@pytest.fixture(scope="module")
def diffusions(tmp_path_factory) -> dict[str, Path]:
    """The folders of a tiny diffusion model of 16 px, and of upsamplers from 16 and from 8 px."""
    pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")
    torch.manual_seed(0)
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(["a red circle", "a blue square"])
    sizes = {"text_width": 8, "width": 8, "depth": 1, "num_heads": 2, "patch_size": 4}

    def denoiser_of(size: int, **options: int) -> TransformerDenoiser:
        made = TransformerDenoiser(sample_shape=(3, size, size), **options, **sizes)
        for layer in (made.to_patch, made.scale_shift):  # which start at 0
            torch.nn.init.normal_(layer.weight)
        return made

    models = {"flow": DiffusionPipeline(denoiser_of(16), encoder, FlowDiffusion())}
    for size in (32, 16):
        denoiser = denoiser_of(size, extra_channels=3)
        condition = LowResolutionCondition(image_size=size, factor=2, text_width=8)
        models[f"to {size}"] = UpsamplerPipeline(denoiser, encoder, FlowDiffusion(), condition)
    folder = tmp_path_factory.mktemp("diffusions")
    for name, model in models.items():
        model.eval().save_pretrained(folder / name)
    return {name: folder / name for name in models}


def test_an_upsampler_draws_larger_samples(textgan, refused, generative, diffusions):
    words = ["sample", "a red circle", "--number", "2", "--raw", "--out", "large"]
    upsampler = ["--upsampler", str(diffusions["to 32"])]
    for model in (str(generative), str(diffusions["flow"])):
        status, _, err = textgan(*words, *upsampler, "--model", model)
        assert status == 0, err
        image = Image.open("large/000_001_a_red_circle.png")
        image.load()
        assert image.size == (32, 32)
        facts = json.loads(image.text["textgan"])
        assert facts["pipeline"] == "CascadePipeline"
        kinds = ["GANPipeline" if model == str(generative) else "DiffusionPipeline"]
        assert [stage["pipeline"] for stage in facts["stages"]] == [*kinds, "UpsamplerPipeline"]
        assert len({stage["weights"] for stage in facts["stages"]} | {facts["weights"]}) == 3
        assert facts["options"]["upsampler_32_noise_level"] == 0.1
    noisy = ["--upsampler_32_noise_level", "0.9", "--upsampler_32_num", "2"]
    status, _, err = textgan(*words, *upsampler, *noisy, "--model", model)
    assert status == 0, err
    other = Image.open("large/000_001_a_red_circle.png")
    assert other.tobytes() != image.tobytes()
    options = json.loads(other.text["textgan"])["options"]
    assert (options["upsampler_32_noise_level"], options["num_inference_steps"]) == (0.9, 25)
    assert options["upsampler_32_num_inference_steps"] == 2
    wrong = [*words, *upsampler, "--upsampler_32_noise_level", "2", "--model", model]
    assert "upsampler_32_noise_level must be in [0, 1], got 2.0" in refused(*wrong)
    other = ["--upsampler", str(diffusions["to 16"])]
    err = refused(*words, *other, "--model", str(generative))
    assert "upsampler must take images of 3 channels and 16 pixels, got 3 and 8" in err


def test_a_negative_prompt_without_guidance_is_refused(refused, diffusions):
    words = ["--negative_prompt", "a star", "--guidance_scale", "1"]
    err = refused("sample", "a", *words, "--model", str(diffusions["flow"]))
    assert "negative_prompt has no effect with a guidance_scale of 1, got 'a star'" in err


def test_a_negative_prompt_changes_the_samples_and_is_kept(textgan, diffusions):
    words = ["sample", "a red circle", "--num_inference_steps", "2", "--number", "1", "--raw"]
    for out, more in (("plain", []), ("less", ["--negative_prompt", "a blue square"])):
        flow = ["--model", str(diffusions["flow"]), "--out", out]
        status, _, err = textgan(*words, *more, *flow)
        assert status == 0, err
    plain, less = (Image.open(f"{out}/000_000_a_red_circle.png") for out in ("plain", "less"))
    assert plain.tobytes() != less.tobytes()
    assert json.loads(less.text["textgan"])["negative_prompt"] == "a blue square"
    assert "negative_prompt" not in json.loads(plain.text["textgan"])
