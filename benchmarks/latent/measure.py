"""Compare the time of GANs on pixels and on the latents of an autoencoder.

    python -m benchmarks.latent.measure --rounds 5

Each contestant is built with random weights, which takes the same time as trained ones. Contestants
take turns in one process and on one thread: in each round, each trains some batches of hard scenes
(the time of a step, without the loading of the batch, in CPU seconds) and samples one image at a
time. The widths are chosen so that the GANs on latents have about as many parameters as the one on
pixels of 64 px.
"""

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

import textgan.composition.job  # noqa: F401  (registers the resolvers of the configuration)
from benchmarks.table import markdown_table
from textgan.autoencoder import ConvolutionAutoencoder
from textgan.composition.conf_folder import conf_folder
from textgan.data.base import CaptionedImages
from textgan.model import GANModel
from textgan.pipeline import AutoencoderPipeline

_CAPTION = "a large red circle on a white background"
_NARROW = ("model.generator.width=64", "model.generator.max_width=128")
_NARROW_D = ("model.discriminator.width=96", "model.discriminator.max_width=96")
_TRANSFORMERS = (
    *("generator=transformer_latent", "model.generator.width=120", "model.generator.depth=5"),
    *("discriminator=transformer_latent", "model.discriminator.width=96"),
)


@dataclass
class Contestant:
    """A GAN that is timed.

    Attributes:
        image_size: side of its images.
        downsampling: of its autoencoder, or None for pixels.
        words: further overrides.
        model: built at the start, as is `data`.
        images_per_second: of each round of training.
        milliseconds: of each round of sampling, for one image.
    """

    image_size: int
    downsampling: int | None
    words: tuple[str, ...] = ()
    model: GANModel | None = None
    data: CaptionedImages | None = None
    images_per_second: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def parameters(self) -> int:
        """Parameters of generator, discriminator and posterior."""
        parts = (self.model.generator, self.model.discriminator, self.model.posterior)
        return sum(weights.numel() for part in parts for weights in part.parameters())


CONTESTANTS = {
    "pixels, 64 px": Contestant(64, None),
    "latents 16 x 16, 64 px": Contestant(64, 4, (*_NARROW, *_NARROW_D)),
    "latents 8 x 8, 64 px": Contestant(
        64, 8, ("model.generator.width=96", "model.generator.max_width=160", *_NARROW_D)
    ),
    "latents 16 x 16, 64 px, transformers": Contestant(64, 4, _TRANSFORMERS),
    "latents 16 x 16, 128 px": Contestant(128, 8, (*_NARROW, *_NARROW_D)),
    "pixels, 128 px": Contestant(128, None),
}


class StepTimes(pl.Callback):
    """Ends a training after some batches, and keeps the CPU seconds of each."""

    def __init__(self, batches: int):
        self.batches, self.seconds = batches, []
        self._began = 0.0

    def on_train_batch_start(self, *_: object) -> None:
        self._began = time.process_time()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        self.seconds.append(time.process_time() - self._began)
        trainer.should_stop |= len(self.seconds) >= self.batches


def build(contestant: Contestant, folder: Path) -> None:
    """Build the model of a contestant; its autoencoder is saved below the folder first."""
    size, downsampling = contestant.image_size, contestant.downsampling
    words = ["data=shapes_hard", f"image_size={size}", "data.batch_size=16", *contestant.words]
    words.append("model.discriminator_start=0")
    if downsampling is not None:
        place = folder / f"{size}-{downsampling}"
        if not place.exists():
            torch.manual_seed(0)
            channels = {4: 4, 8: 12}[downsampling]
            net = ConvolutionAutoencoder(
                sample_shape=(3, size, size), downsampling=downsampling, latent_channels=channels
            )
            AutoencoderPipeline(net).save_pretrained(place)
        words += ["model=latent_gan", f"autoencoder_folder={place}"]
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("config", words)
    torch.manual_seed(0)
    contestant.model = instantiate(config.model, _convert_="all")
    contestant.data = instantiate(config.data)
    model = contestant.model
    model.text_encoder.fit_tokenizer(contestant.data.captions(1_000))
    model.ema.copy_from({"generator": model.generator, "text_encoder": model.text_encoder})


def train(contestant: Contestant, batches: int) -> None:
    """Train some batches after a first one, and note the images per second.

    The gradient penalty is computed in every fourth batch, so `batches` is a multiple of 4.
    """
    times = StepTimes(1 + batches)
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            accelerator="cpu",
            callbacks=[times],
            default_root_dir=folder,
            max_epochs=-1,
            limit_val_batches=0,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            use_distributed_sampler=False,
        )
        trainer.fit(contestant.model, datamodule=contestant.data)
    kept = times.seconds[1:]  # the first batch warms up
    contestant.images_per_second.append(contestant.data.batch_size / statistics.mean(kept))


def sample(contestant: Contestant, images: int) -> None:
    """Sample images one by one, and note the median of their milliseconds."""
    pipeline, took = contestant.model.pipeline(), []
    for seed in range(images + 1):
        began = time.process_time()
        pipeline(_CAPTION, seed=seed, output_type="pt")
        took.append(1_000 * (time.process_time() - began))
    contestant.milliseconds.append(statistics.median(took[1:]))


def table() -> str:
    """A row for each contestant; ratios are medians over the rounds."""
    first, rows = next(iter(CONTESTANTS.values())), []
    for name, one in CONTESTANTS.items():
        speeds = zip(one.images_per_second, first.images_per_second, strict=True)
        delays = zip(one.milliseconds, first.milliseconds, strict=True)
        rows.append(
            [
                name,
                f"{one.parameters():,}",
                f"{statistics.median(one.images_per_second):.1f}",
                f"{statistics.median(a / b for a, b in speeds):.2f}",
                f"{statistics.median(one.milliseconds):.1f}",
                f"{statistics.median(a / b for a, b in delays):.2f}",
            ]
        )
    heads = ["GAN", "parameters", "training, images/s", "times the first"]
    return markdown_table([*heads, "one image, ms", "times the first"], rows)


def main(argv: list[str] | None = None) -> int:
    """Time all contestants, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant (5)")
    parser.add_argument(
        "--batches", type=int, default=8, help="batches of 16 a turn, a multiple of 4 (8)"
    )
    parser.add_argument("--images", type=int, default=10, help="samples a turn (10)")
    asked = parser.parse_args(argv)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for one in CONTESTANTS.values():
            build(one, Path(folder))
        for number in range(asked.rounds):
            names = [*CONTESTANTS]
            turned = names[number % len(names) :] + names[: number % len(names)]
            for name in turned:
                train(CONTESTANTS[name], asked.batches)
                sample(CONTESTANTS[name], asked.images)
            print(f"round {number + 1} of {asked.rounds}", file=sys.stderr, flush=True)
    print(table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
