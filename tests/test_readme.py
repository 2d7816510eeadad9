"""Each textgan command of README and manual runs, with a smaller budget."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

from textgan.cli.main import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    block
    for page in PAGES
    for block in re.findall(r"^ *```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.S | re.M)
]
WHOLE = [re.sub(r" *\\\n *", " ", block) for block in BLOCKS]
LINES = [line.split("  #")[0].strip() for block in WHOLE for line in block.splitlines()]
COMMANDS = sorted(
    {line for line in LINES if line.startswith("textgan ") and line != "textgan demo"}
)
SLOW = (
    "trainer=ddp_cpu",
    "wandb",
    "textgan export",
    "textgan compare",
    "-m ",
    "emoji-run/last.ckpt",
)
SHOWING = ("--help", "--cfg", "--print_config")


def parametrised() -> list:
    return [
        pytest.param(c, marks=[pytest.mark.slow] if any(word in c for word in SLOW) else [])
        for c in COMMANDS
    ]


OF_GANS = r"model\.(generator|discriminator|posterior)"
SMALL = ("width=24", "depth=1", "num_heads=2")
DENOISER = (OF_GANS, [f"model.denoiser.{size}" for size in SMALL])
PRIOR = [f"model.prior.{size}" for size in SMALL]
# model -> settings of the tiny GAN that it does not have, and its own small sizes
OTHERS = {
    "contrastive": (
        r"callback|model\.(?!text_encoder|token)",
        ["model.image_encoder.base_width=4", "model.image_encoder.max_width=8"],
    ),
    "autoencoder": (
        r"callback|model\.|text_width",
        ["model.autoencoder.width=8", "model.autoencoder.deep_width=8"],
    ),
    "diffusion": DENOISER,
    "latent_diffusion": DENOISER,
    "unclip": DENOISER,
    "latent_unclip": DENOISER,
    "upsampler": (rf"callback|{OF_GANS}", DENOISER[1]),
    "token_prior": (OF_GANS, PRIOR),
    "diffusion_prior": (r"callback|model\.", PRIOR),
}


def cut(words: list[str], tiny: list[str]) -> list[str]:
    """Return the command with 32 tiny images; its other settings stay."""
    smaller = {"total_images": "total_images=32", "image_size": "image_size=16"}
    words = [smaller.get(word.partition("=")[0], word) for word in words]
    given = ("--config", *SHOWING)
    if words[0] != "fit" or any(w.startswith("ckpt_path=") or w in given for w in words):
        return words
    given_keys = {word.split("=")[0] for word in words if "=" in word}
    extra = [word for word in tiny if word.split("=")[0] not in given_keys]
    if "data=folder" in words:
        extra = [word for word in extra if not re.match(r"data\.(val|test|train)_size=", word)]
    for model, (others, own) in OTHERS.items():
        if f"model={model}" in words:
            extra = [word for word in extra if not re.match(others, word)] + own
    if "image_encoder=efficientnet" in words:
        extra = [word for word in extra if not word.startswith("model.image_encoder.")]
    if any(word.startswith("autoencoder=") for word in words):
        extra = [re.sub("^image_size=16", "image_size=32", word) for word in extra]
    words = [re.sub("text_vocabulary=4096", "text_vocabulary=270", word) for word in words]
    if "text_encoder=saved" in words or "text_encoder=bert_minilm_contrastive" in words:
        extra = [word for word in extra if not word.startswith("model.text_encoder")]
    for part in ("posterior", "discriminator"):
        if f"{part}=null" in words:
            extra = [word for word in extra if not word.startswith(f"model.{part}.")]
    return [*words, *extra]


@pytest.fixture(scope="module")
def contrastive(tmp_path_factory, tiny) -> Path:
    """The run folder of a tiny contrastive training."""
    folder = tmp_path_factory.mktemp("contrastive") / "run"
    words = cut(["fit", "model=contrastive", "data=shapes"], tiny)
    assert main([*words, f"hydra.run.dir={folder}"]) == 0
    return folder


@pytest.fixture(scope="module")
def dalle(tmp_path_factory, contrastive) -> Path:
    """A folder with the folders of untrained models.

    AE, DALLE over its codes, DIFFUSION, PRIOR and UNCLIP over the embeddings of `contrastive`, and
    GAN with its posterior.
    """
    import torch

    from textgan.autoencoder import ConvolutionAutoencoder
    from textgan.denoiser import EmbeddingCondition, LowResolutionCondition, TransformerDenoiser
    from textgan.diffusion import FlowDiffusion
    from textgan.generator import AttentionGenerator
    from textgan.pipeline import (
        AutoencoderPipeline,
        ContrastivePipeline,
        DallePipeline,
        DiffusionPipeline,
        DiffusionPriorPipeline,
        GANPipeline,
        UnclipPipeline,
        UpsamplerPipeline,
    )
    from textgan.posterior import ConvolutionPosterior
    from textgan.prior import DiffusionPrior, GPTPrior
    from textgan.quantizer import FSQ
    from textgan.text_encoder import BertTextEncoder

    folder = tmp_path_factory.mktemp("dalle")
    torch.manual_seed(0)
    small = {"width": 8, "deep_width": 8, "encoder_blocks": 1, "decoder_blocks": 1}
    quantizer = FSQ(levels=(4, 4))
    autoencoder = ConvolutionAutoencoder(
        sample_shape=(3, 32, 32), downsampling=4, quantizer=quantizer, **small
    )
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(["a red circle"])
    prior = GPTPrior(
        (1, 8, 8), 16, text_width=8, width=8, depth=1, num_heads=2, text_vocabulary=270
    )
    denoiser = TransformerDenoiser(
        sample_shape=(3, 16, 16), text_width=8, width=8, depth=1, num_heads=2, patch_size=4
    )
    flow = FlowDiffusion()
    embedder = ContrastivePipeline.from_pretrained(contrastive / "pipeline")
    width = embedder.image_encoder.width
    embedding_prior = DiffusionPrior(
        width, width, "", diffusion=flow, width=8, depth=1, num_heads=2
    )
    condition = EmbeddingCondition(width, text_width=8)
    shape = {"sample_shape": (3, 16, 16), "text_width": 8, "width": 8, "max_width": 8}
    posterior = ConvolutionPosterior(**shape)
    taller = TransformerDenoiser(
        sample_shape=(3, 32, 32),
        text_width=8,
        width=8,
        depth=1,
        num_heads=2,
        patch_size=4,
        extra_channels=3,
    )
    low = LowResolutionCondition(image_size=32, factor=2, text_width=8)
    models = {
        "UP": UpsamplerPipeline(taller, encoder, flow, low),
        "DIFFUSION": DiffusionPipeline(denoiser, encoder, flow),
        "PRIOR": DiffusionPriorPipeline(embedding_prior, embedder),
        "UNCLIP": UnclipPipeline(
            denoiser, encoder, flow, condition, embedder, prior=embedding_prior
        ),
        "GAN": GANPipeline(AttentionGenerator(**shape), encoder, posterior=posterior),
    }
    for name, model in models.items():
        model.eval().save_pretrained(folder / name / "pipeline")
    AutoencoderPipeline(autoencoder).eval().save_pretrained(folder / "AE" / "pipeline")
    DallePipeline(prior, encoder, autoencoder).eval().save_pretrained(folder / "DALLE" / "pipeline")
    return folder


def with_folders(command: str, root: Path) -> str:
    """The command with folders in the places of IMAGES and CLASSES."""
    if "IMAGES" in command:
        (root / "plain").mkdir()
        Image.new("RGB", (20, 20), "red").save(root / "plain" / "a.png")
    if "CLASSES" in command:
        for name in ("cat", "dog"):
            (root / "classes" / name).mkdir(parents=True)
            for i in range(3):
                picture = Image.new("RGB", (20, 20), (40 * i, len(name), ord(name[0])))
                picture.save(root / "classes" / name / f"{i}.png")
    folders = {"IMAGES": root / "plain", "CLASSES": root / "classes"}
    for word, folder in folders.items():
        command = command.replace(word, str(folder))
    return command


def test_the_demo_command_is_on_the_pages():
    assert "textgan demo" in LINES  # tests/command/test_demo.py and tests/test_browser.py open it


def test_the_pages_have_commands():
    assert len(COMMANDS) >= 30
    assert {command.split()[1] for command in COMMANDS} >= {"fit", "test", "predict", "sample"}


@pytest.mark.parametrize("command", parametrised())
def test_a_command_of_the_pages_runs(command, textgan, tiny, trained, contrastive, dalle, tmp_path):
    if re.search("diffusion|unclip|upsampler", command.lower()):
        pytest.importorskip("diffusers", reason="needs textgan[diffusion]")
    images = tmp_path / "images"
    images.mkdir()
    for i in range(6):
        Image.new("RGB", (20, 20), (40 * i, 0, 0)).save(images / f"{i}.png")
        (images / f"{i}.txt").write_text(f"red number {i}\n", encoding="utf-8")
    (tmp_path / "captions.txt").write_text("a red circle\na blue star\n", encoding="utf-8")
    run = shutil.copytree(trained, tmp_path / "run")
    for name in ("one", "two"):
        Image.new("RGB", (20, 30), "navy").save(tmp_path / f"{name}.jpg")
    Image.new("RGB", (20, 20), "navy").save(tmp_path / "photo.png")
    Image.linear_gradient("L").resize((20, 20)).save(tmp_path / "mask.png")
    command = command.replace("RUN/", f"{run}/")
    command = re.sub(r"\b(PATH|emoji-200)\b", str(images), command)
    command = re.sub(r"\bRUN$|(?<!run\.dir=)\bemoji-run\b", str(run), command)
    command = re.sub(r"\bCLIP/", f"{shutil.copytree(contrastive, tmp_path / 'clip')}/", command)
    for name in ("AE", "DALLE", "DIFFUSION", "PRIOR", "UNCLIP", "UP", "GAN"):
        command = command.replace(f"{name}/", f"{dalle / name}/")
    command = command.replace("--upsampler_64_", "--upsampler_32_")
    command = with_folders(command, tmp_path)
    if " decode " in command:
        encode = ["encode", str(images), "codes.safetensors", "--model", f"{dalle}/AE/pipeline"]
        assert textgan(*encode)[0] == 0
    if command.startswith("textgan compare "):
        for run_dir in ("A", "B"):
            test = ["test", f"ckpt_path={run}/last.ckpt", "metric=[sharpness]"]
            assert textgan(*test, f"hydra.run.dir={run_dir}")[0] == 0
    if "model=pipeline" in command:
        command = command.replace("image_size=32", "image_size=16")
        command += " data.test_size=4 data.train_size=8 data.batch_size=4"
    if command.startswith("textgan export"):
        pytest.importorskip("onnxruntime", reason="needs textgan[export]")
    words = shlex.split(command)[1:]
    if words[0] == "sample" and "--model" not in words:
        words += ["--model", str(run)]
    status, _, errors = textgan(*cut(words, tiny))
    assert status == 0, errors
