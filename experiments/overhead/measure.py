"""What Lightning costs: its training loop against a bare one that does the same arithmetic.

    python experiments/overhead/measure.py

The demo's recipe, from after the critic's start, at batch 32 on the CPU. GANModel trains in a
Trainer with the progress line and the CSV log; its twin, from the same weights and on the same
pictures, trains in `BareLoop`. Both run in one process by turns, in the order L B B L, so that a
machine that grows slower or faster does so for both. In the end their weights must agree.

The overhead is given on the clock and in the process's CPU time, which other programs disturb less.
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

import textgan.composition.job  # noqa: F401  (the configuration's resolvers)
from textgan.composition.conf_folder import conf_folder
from textgan.model.gan import GANModel
from textgan.schedule import learning_rate_factor, value_at
from textgan.seed import seed_from
from textgan.step import AdversarialStep
from textgan.types import Batch, TextFeatures

TOLERANCE = 1e-6


class BareLoop:
    """The demo's training without Lightning: nets, losses, optimizers and average of a GANModel.

    Args:
        twin: a model that no trainer has; the loop trains its parts.
        batches: endless.
        seen: pictures that were shown before.
    """

    def __init__(self, twin: GANModel, batches: Iterator[Batch], seen: int):
        self.settings, self.batches, self.seen = twin, batches, seen
        self.generator, self.text_encoder = twin.generator, twin.text_encoder
        self.posterior, self.critic = twin.posterior, twin.discriminator
        self.losses, self.augmentation, self.ema = twin.losses, twin.augmentation, twin.ema
        modules = [self.generator, self.text_encoder, self.posterior]
        weights = [weight for module in modules for weight in module.parameters()]
        self.critic_weights = [*self.critic.parameters(), *self.losses.parameters()]
        self.generator_optimizer = twin.generator_optimizer(weights)
        self.critic_optimizer = twin.discriminator_optimizer(self.critic_weights)
        for optimizer in (self.generator_optimizer, self.critic_optimizer):
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]

    def run(self, steps: int) -> None:
        """Train for so many batches."""
        for _ in range(steps):
            self.train_on(next(self.batches))

    def train_on(self, batch: Batch) -> None:
        """One forward of the generator, a step of the critic on it, a step of the generator."""
        torch.manual_seed(seed_from(self.settings.seed, self.seen, 0))
        step = self.imagine(batch)

        detached = {"text": step.text.detach(), "fake": step.fake.detach()}
        turn = replace(step, **detached, reconstruction=None, posterior=None, prior=None)
        turn = self.judge(turn, real_gradient=True)
        start = self.settings.discriminator_start
        self.descend(self.critic_optimizer, self.total("discriminator", turn), start=start)

        for weight in self.critic_weights:
            weight.requires_grad_(False)
        turn = self.judge(step, real_gradient=False)
        self.descend(self.generator_optimizer, self.total("generator", turn), start=0.0)
        for weight in self.critic_weights:
            weight.requires_grad_(True)

        self.seen += len(batch)
        sampled = {"generator": self.generator, "text_encoder": self.text_encoder}
        self.ema.update(sampled, images=len(batch), images_seen=self.seen)

    def imagine(self, batch: Batch) -> AdversarialStep:
        """Reconstructions from the posterior's z and fakes from the prior's, in one forward."""
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
            discriminator=self.critic,
            randn=lambda shape: torch.randn(shape, generator=keyed),
            gather=lambda tensor: tensor,
            wrong_text=wrong,
            fake=fake,
            noise=noise,
            reconstruction=reconstruction,
            posterior=posterior,
            prior=prior,
        )

    def judge(self, step: AdversarialStep, *, real_gradient: bool) -> AdversarialStep:
        """The step with what the critic says of the pair."""
        pair = (step.real, step.fake)
        real, fake = self.augmentation(pair) if self.augmentation is not None else pair
        text = step.text.detach()
        with torch.set_grad_enabled(real_gradient):
            real_output = self.critic(real, text)
        fake_output = self.critic(fake, text)
        said = {"real_output": real_output, "fake_output": fake_output}
        return replace(step, augmented_real=real, augmented_fake=fake, **said)

    def total(self, turn: str, step: AdversarialStep) -> Tensor | float:
        """The weighted sum of the terms."""
        total = 0.0
        for term in self.losses.values():
            weight = value_at(getattr(term, f"{turn}_weight"), step.progress)
            value = getattr(term, f"{turn}_loss")(step) if weight else None
            if value is not None:
                total = total + weight * value
        return total

    def descend(self, optimizer: torch.optim.Optimizer, loss: Tensor, *, start: float) -> None:
        """Backward and a step."""
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
    """Times blocks of the Trainer's loop, and of the bare loop in between: L B B L, L B B L, ...

    A block of the Trainer's is from the moment that this callback is left to the one that it comes
    to the last of `steps` batches again, so all that the Trainer does for a batch is in it.

    Args:
        bare: runs so many steps of the bare loop.
        steps: batches in a block.
        rounds: pairs of blocks of each.
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
        if self._began is None:  # the first block of each only warms up
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
    """Seconds on the clock, and of this process's CPU time."""
    return torch.tensor([time.perf_counter(), time.process_time()], dtype=torch.float64)


def composed(overrides: list[str]) -> DictConfig:
    """The demo's configuration, as `textgan fit experiment=demo` composes it."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return compose("config", ["experiment=demo", "data.batch_size=32", *overrides])


def make_model(config: DictConfig) -> GANModel:
    """The model with its tokenizer fitted, counting on from where the critic's warm-up ends."""
    torch.manual_seed(config.seed)
    model = instantiate(config.model, _convert_="all")
    model.text_encoder.fit_tokenizer(instantiate(config.data).captions(model.tokenizer_captions))
    model.ema.copy_from({"generator": model.generator, "text_encoder": model.text_encoder})
    start = int(model.discriminator_start * model.budget.total_images)
    model.images_seen.fill_(start + model.budget.warmup_images)
    return model


def make_trainer(config: DictConfig, folder: str, stopwatch: Stopwatch) -> pl.Trainer:
    """The Trainer of `textgan fit` with the progress line and the CSV log, and nothing else."""
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
    """The largest absolute difference of two models' weights, averages included."""
    pairs = zip(one.named_parameters(), other.named_parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for (_, a), (_, b) in pairs)


def measure(words: argparse.Namespace) -> tuple[dict[str, list[Tensor]], float]:
    """Seconds of each block by both clocks, and how far apart the weights are in the end."""
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
    """A row a round, and the overhead over all of them."""
    lightning, bare = (
        torch.stack(seconds[name]).unflatten(0, (-1, 2)).sum(1) for name in ("lightning", "bare")
    )  # (rounds, 2 clocks)
    overheads = (100 * (lightning / bare - 1)).tolist()
    lines = [
        "| round | Lightning, images/s | bare, images/s | overhead | in CPU time |",
        "|---|---|---|---|---|",
    ]
    for i, (clock, cpu) in enumerate(overheads):
        speeds = f"{2 * images / lightning[i, 0]:.1f} | {2 * images / bare[i, 0]:.1f}"
        lines.append(f"| {i + 1} | {speeds} | {clock:+.1f} % | {cpu:+.1f} % |")
    lines.append("")
    for name, column in zip(
        ("on the clock", "in CPU time"), zip(*overheads, strict=True), strict=True
    ):
        median = statistics.median(column)
        spread = f"from {min(column):+.1f} to {max(column):+.1f} %"
        lines.append(f"overhead {name}: {median:+.1f} % (median; {spread})")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status, 1 where the two loops came to different weights."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", help="such as image_size=64")
    parser.add_argument("--rounds", type=int, default=8, help="of four blocks, L B B L (8)")
    parser.add_argument("--steps", type=int, help="batches in a block (from one log to the next)")
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
