"""A training step before any loss: text encoded, pictures drawn, and judged by the critic."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from textgan.augmentation.base import Augmentation
from textgan.schedule import value_at
from textgan.seed import seed_from
from textgan.step import AdversarialStep
from textgan.training.manual import gather, longest
from textgan.types import Batch, TextFeatures


def begin(model: Any, batch: Batch) -> AdversarialStep:
    """The step before anything is drawn: captions dropped, text encoded."""
    world, rank, size = model.trainer.world_size, model.trainer.global_rank, len(batch)
    keyed = torch.Generator().manual_seed(seed_from(model.seed, model.seen))
    own = slice(rank * size, (rank + 1) * size)

    def randn(shape: tuple[int, ...]) -> Tensor:
        noise = torch.randn(world * shape[0], *shape[1:], generator=keyed)[own]
        return noise.to(batch.images.device)

    shares = torch.rand(world * size, generator=keyed)[own].tolist()
    captions = [
        "" if share < model.caption_dropout else caption
        for share, caption in zip(shares, batch.captions, strict=True)
    ]
    text = model.text_encoder(captions)
    wrong = None
    if batch.negatives is not None and has_started(model):
        with torch.no_grad():
            wrong = model.text_encoder(batch.negatives[:size])
    return AdversarialStep(
        real=batch.images.contiguous(memory_format=torch.channels_last),
        captions=captions,
        all_captions=batch.all_captions,
        text=text.pad(longest(model, text.mask.shape[1])),
        images_seen=model.seen,
        progress=model.progress,
        step_index=model.seen // (world * size * model.accumulate_batches),
        discriminator=model.discriminator,
        randn=randn,
        negatives=batch.negatives,
        gather=lambda tensor: gather(model, tensor),
        rank=rank,
        wrong_text=wrong,
    )


def imagine(model: Any, step: AdversarialStep) -> AdversarialStep:
    """Draw in one forward: reconstructions from the posterior's z, and fakes from the prior.

    Fakes only once the critic has started, or where a term looks at them before.
    """
    shape, noises = (len(step.captions), *model.generator.noise_shape), []
    posterior = prior = None
    if model.posterior is not None:
        posterior = model.posterior(step.real, step.text)
        prior = model.generator.prior(step.text)
        z = posterior.sample(step.randn(shape))
        noises.append(prior.detach().standardise(z))
    drawing = has_started(model) or any(
        term.draws and value_at(term.generator_weight, model.progress)
        for term in model.losses.values()
    )
    if drawing:
        noises.append(step.randn(shape))
    images = model.generator(torch.cat(noises), TextFeatures.cat([step.text] * len(noises)))
    images = images.chunk(len(noises))
    return replace(
        step,
        posterior=posterior,
        prior=prior,
        reconstruction=images[0] if posterior is not None else None,
        fake=images[-1] if drawing else None,
        noise=noises[-1] if drawing else None,
    )


def has_started(model: Any) -> bool:
    """Whether the critic plays yet."""
    return model.discriminator is not None and model.progress >= model.discriminator_start


def detached(step: AdversarialStep) -> AdversarialStep:
    """What the critic's turn may see: nothing that leads back into the generator's parts."""
    return replace(
        step,
        text=step.text.detach(),
        fake=step.fake.detach(),
        reconstruction=None,
        posterior=None,
        prior=None,
    )


def judge(
    step: AdversarialStep, augmentation: Augmentation | None, *, real_gradient: bool
) -> AdversarialStep:
    """The step with what the critic says of the pair; the critic teaches no text."""
    pair = (step.real, step.fake)
    real, fake = augmentation(pair) if augmentation is not None else pair
    text = step.text.detach()
    with torch.set_grad_enabled(real_gradient):
        real_output = step.discriminator(real, text)
    fake_output = step.discriminator(fake, text)
    return replace(
        step,
        augmented_real=real,
        augmented_fake=fake,
        real_output=real_output,
        fake_output=fake_output,
    )
