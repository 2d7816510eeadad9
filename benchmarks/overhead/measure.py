"""Compare the speed of Lightning's training loop with a bare loop of the same arithmetic.

    python -m benchmarks.overhead.measure

The recipe is the demo's, after the start of the discriminator, at batch 32 on the CPU. GANModel
trains in a Trainer with the progress line and the CSV log. A copy of it, with the same weights and
images, trains in `BareLoop`. Both take turns in one process, in the order L B B L, so that a change
of the machine's speed affects both. At the end their weights must agree.

The overhead is given in wall-clock time and in CPU time, which other programs disturb less.
"""

import argparse
import copy
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor, nn

import textgan.composition.job  # noqa: F401  (registers the resolvers of the configuration)
from benchmarks.table import markdown_table
from textgan.composition.conf_folder import conf_folder
from textgan.model.gan import GANModel
from textgan.schedule import learning_rate_factor, value_at
from textgan.seed import seed_from
from textgan.step import AdversarialStep
from textgan.types import Batch, TextFeatures

TOLERANCE = 1e-6


class BareLoop:
    """The demo's training without Lightning: networks, losses, optimizers and EMA of a GANModel.

    Args:
        twin: a model without a trainer, whose parts the loop trains.
        batches: endless batches.
        seen: number of images that the model has seen before.
    """

    def __init__(self, twin: GANModel, batches: Iterator[Batch], seen: int):
        self.settings, self.batches, self.seen = twin, batches, seen
        self.generator, self.text_encoder = twin.generator, twin.text_encoder
        self.posterior, self.discriminator = twin.posterior, twin.discriminator
        self.losses, self.augmentation, self.ema = twin.losses, twin.augmentation, twin.ema
        modules = [self.generator, self.text_encoder, self.posterior]
        weights = [weight for module in modules for weight in module.parameters()]
        self.discriminator_weights = [*self.discriminator.parameters(), *self.losses.parameters()]
        self.generator_optimizer = twin.generator_optimizer(weights)
        self.discriminator_optimizer = twin.discriminator_optimizer(self.discriminator_weights)
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]

    def run(self, steps: int) -> None:
        """Train for `steps` batches."""
        for _ in range(steps):
            self.train_on(next(self.batches))

    def train_on(self, batch: Batch) -> None:
        """Run the generator once, then update the discriminator and the generator."""
        torch.manual_seed(seed_from(self.settings.seed, self.seen, 0))
        step = self.generate(batch)

        detached = {"text": step.text.detach(), "fake": step.fake.detach()}
        turn = replace(step, **detached, reconstruction=None, posterior=None, prior=None)
        turn = self.discriminate(turn, real_gradient=True)
        start = self.settings.discriminator_start
        self.update(self.discriminator_optimizer, self.total("discriminator", turn), start=start)

        for weight in self.discriminator_weights:
            weight.requires_grad_(False)
        turn = self.discriminate(step, real_gradient=False)
        self.update(self.generator_optimizer, self.total("generator", turn), start=0.0)
        for weight in self.discriminator_weights:
            weight.requires_grad_(True)

        self.seen += len(batch)
        sampled = {"generator": self.generator, "text_encoder": self.text_encoder}
        self.ema.update(sampled, images=len(batch), images_seen=self.seen)

    def generate(self, batch: Batch) -> AdversarialStep:
        """Generate reconstructions and samples in one forward pass."""
        keyed = torch.Generator().manual_seed(seed_from(self.settings.seed, self.seen))
        dropped = torch.rand(len(batch), generator=keyed).tolist()
        captions = [
            "" if share < self.settings.caption_dropout else caption
            for share, caption in zip(dropped, batch.captions, strict=True)
        ]
        text = self.text_encoder(captions)
        with torch.no_grad():
            wrong = self.text_encoder(batch.negatives) if batch.negatives is not None else None
        real = batch.images.contiguous(memory_format=torch.channels_last)
        posterior, prior = self.posterior(real, text), self.generator.prior(text)
        shape = (len(batch), *self.generator.noise_shape)
        own = prior.detach().standardise(posterior.sample(torch.randn(shape, generator=keyed)))
        noise = torch.randn(shape, generator=keyed)
        both = self.generator(torch.cat([own, noise]), TextFeatures.cat([text, text]))
        reconstruction, fake = both.chunk(2)
        return AdversarialStep(
            real=real,
            captions=captions,
            text=text,
            images_seen=self.seen,
            progress=self.seen / self.settings.budget.total_images,
            step_index=self.seen // len(batch),
            discriminator=self.discriminator,
            randn=lambda shape: torch.randn(shape, generator=keyed),
            gather=lambda tensor: tensor,
            wrong_text=wrong,
            fake=fake,
            noise=noise,
            reconstruction=reconstruction,
            posterior=posterior,
            prior=prior,
        )

    def discriminate(self, step: AdversarialStep, *, real_gradient: bool) -> AdversarialStep:
        """Return the step with the discriminator's outputs for real and generated images."""
        pair = (step.real, step.fake)
        real, fake = self.augmentation(pair) if self.augmentation is not None else pair
        text = step.text.detach()
        with torch.set_grad_enabled(real_gradient):
            real_output = self.discriminator(real, text)
        fake_output = self.discriminator(fake, text)
        outputs = {"real_output": real_output, "fake_output": fake_output}
        return replace(step, augmented_real=real, augmented_fake=fake, **outputs)

    def total(self, turn: str, step: AdversarialStep) -> Tensor | float:
        """Return the weighted sum of the loss terms."""
        total = 0.0
        for term in self.losses.values():
            weight = value_at(getattr(term, f"{turn}_weight"), step.progress)
            value = getattr(term, f"{turn}_loss")(step) if weight else None
            if value is not None:
                total = total + weight * value
        return total

    def update(self, optimizer: torch.optim.Optimizer, loss: Tensor, *, start: float) -> None:
        """Run backward and one step of an optimizer."""
        optimizer.zero_grad()
        loss.backward()
        progress = self.seen / self.settings.budget.total_images
        budget = self.settings.budget
        factor = learning_rate_factor(
            progress,
            start=start,
            warmup=budget.warmup_images / budget.total_images,
            decay_start=budget.learning_rate_decay_start,
        )
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        optimizer.step()


class Stopwatch(pl.Callback):
    """Time blocks of the Trainer's loop, and of the bare loop in between: L B B L, L B B L, ...

    A block of the Trainer is the time from the end of this callback to its next call after `steps`
    batches, so that it includes everything that the Trainer does for a batch.

    Args:
        bare: runs a number of steps of the bare loop.
        steps: number of batches in a block.
        rounds: number of pairs of blocks of each loop.
    """

    def __init__(self, bare: Callable[[int], None], *, steps: int, rounds: int):
        self.bare, self.steps, self.rounds = bare, steps, rounds
        self.seconds: dict[str, list[Tensor]] = {"lightning": [], "bare": []}
        self._began: Tensor | None = None

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        if (batch_idx + 1) % self.steps:
            return
        if self._began is None:  # the first block of each loop is a warm-up
            self.bare(self.steps)
        else:
            self.seconds["lightning"].append(now() - self._began)
            if len(self.seconds["lightning"]) % 2:
                self._time_bare()
                self._time_bare()
        if len(self.seconds["lightning"]) == 2 * self.rounds:
            trainer.should_stop = True
        self._began = now()

    def _time_bare(self) -> None:
        began = now()
        self.bare(self.steps)
        self.seconds["bare"].append(now() - began)


def now() -> Tensor:
    """Return the seconds of the clock and of this process's CPU time."""
    return torch.tensor([time.perf_counter(), time.process_time()], dtype=torch.float64)


def composed(overrides: list[str]) -> DictConfig:
    """Compose the configuration of `textgan fit experiment=demo`."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return compose("config", ["experiment=demo", "data.batch_size=32", *overrides])


def make_model(config: DictConfig) -> GANModel:
    """Build the model at the end of the discriminator's warm-up, with a fitted tokenizer."""
    torch.manual_seed(config.seed)
    model = instantiate(config.model, _convert_="all")
    model.text_encoder.fit_tokenizer(instantiate(config.data).captions(model.tokenizer_captions))
    model.ema.copy_from({"generator": model.generator, "text_encoder": model.text_encoder})
    start = int(model.discriminator_start * model.budget.total_images)
    model.images_seen.fill_(start + model.budget.warmup_images)
    return model


def make_trainer(config: DictConfig, folder: str, stopwatch: Stopwatch) -> pl.Trainer:
    """Build the Trainer of `textgan fit` with only the progress line and the CSV log."""
    settings = instantiate(config.trainer, _convert_="all")
    progress = settings.pop("callbacks")["progress"]
    settings.pop("logger")
    return pl.Trainer(
        **settings,
        callbacks=[progress, stopwatch],
        logger=instantiate(config.trainer.logger.csv, save_dir=folder),
        default_root_dir=folder,
        limit_val_batches=0,
        enable_checkpointing=False,
        enable_model_summary=False,
    )


def largest_difference(one: nn.Module, other: nn.Module) -> float:
    """Return the largest absolute difference of two models' weights, with the EMA weights."""
    pairs = zip(one.named_parameters(), other.named_parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for (_, a), (_, b) in pairs)


def measure(words: argparse.Namespace) -> tuple[dict[str, list[Tensor]], float]:
    """Return the seconds of each block by both clocks, and the final difference of the weights."""
    config = composed(words.overrides)
    steps = words.steps or config.trainer.log_every_n_steps
    model = make_model(config)
    asked = steps * (1 + 2 * words.rounds) * config.data.batch_size
    left = model.budget.total_images - int(model.images_seen)
    if asked > left:
        raise ValueError(f"--rounds and --steps ask for {asked:,} images, and {left:,} are left")
    twin = copy.deepcopy(model)
    batches = iter(instantiate(config.data).train_dataloader())
    bare = BareLoop(twin, batches, int(twin.images_seen))
    stopwatch = Stopwatch(bare.run, steps=steps, rounds=words.rounds)
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(config, folder, stopwatch)
        trainer.fit(model, datamodule=instantiate(config.data))
    words.images = steps * config.data.batch_size
    return stopwatch.seconds, largest_difference(model, twin)


def table(seconds: dict[str, list[Tensor]], images: int) -> str:
    """Return a row for each round, and the overhead over all rounds."""
    lightning, bare = (
        torch.stack(seconds[name]).unflatten(0, (-1, 2)).sum(1) for name in ("lightning", "bare")
    )  # (rounds, 2 clocks)
    overheads = (100 * (lightning / bare - 1)).tolist()
    rows = []
    for i, (clock, cpu) in enumerate(overheads):
        speeds = (f"{2 * images / total[i, 0]:.1f}" for total in (lightning, bare))
        rows.append([str(i + 1), *speeds, f"{clock:+.1f} %", f"{cpu:+.1f} %"])
    heads = ["round", "Lightning, images/s", "bare, images/s", "overhead", "in CPU time"]
    lines = [markdown_table(heads, rows), ""]
    for name, column in zip(
        ("on the clock", "in CPU time"), zip(*overheads, strict=True), strict=True
    ):
        median = statistics.median(column)
        spread = f"from {min(column):+.1f} to {max(column):+.1f} %"
        lines.append(f"overhead {name}: {median:+.1f} % (median; {spread})")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure and print; return 1 if the weights of the two loops differ, else 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", help="settings such as image_size=64")
    parser.add_argument("--rounds", type=int, default=8, help="rounds of four blocks, L B B L (8)")
    parser.add_argument(
        "--steps", type=int, help="batches in a block (the default is one interval of the log)"
    )
    words = parser.parse_args(argv)
    warnings.filterwarnings("ignore", message=".*(does not have many workers|treespec)")
    try:
        seconds, difference = measure(words)
    except ValueError as error:
        print(f"measure.py: {error}", file=sys.stderr)
        return 2
    print(table(seconds, words.images))
    print(f"largest difference of weights after both: {difference:.1e} (at most {TOLERANCE:.0e})")
    return int(difference > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
