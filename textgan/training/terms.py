"""Checks that parts and loss terms match, and the weighted sum of the terms."""

from math import isfinite
from typing import Any, Literal

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from textgan.autoencoder.base import Autoencoder
from textgan.discriminator.latent_and_image import LatentAndImageDiscriminator
from textgan.errors import StoppedError
from textgan.generator.base import Generator
from textgan.image_encoder.base import ImageEncoder
from textgan.loss.base import Loss
from textgan.pretrained.frozen import Frozen
from textgan.pretrained.part import Part
from textgan.schedule import Schedule, corners, value_at
from textgan.step import AdversarialStep, ContrastiveStep
from textgan.text_encoder.base import TextEncoder


class NonFiniteLossError(ArithmeticError):
    """A loss term became NaN or infinite; the message names the term and the images seen."""


def check_terms(losses: dict[str, Loss], parts: dict[str, nn.Module | None]) -> None:
    """Raise a ValueError if a term lacks a part that it needs, or no term trains a part.

    Args:
        losses: name -> term.
        parts: name -> part or None, for the optional parts of a model.
    """
    if not losses:
        raise ValueError("losses must hold at least one term, got none")
    for name, term in losses.items():
        _check_needs(name, term, parts)
    trained = {part for term in losses.values() for part in term.needs}
    for part in ("posterior", "discriminator"):
        if parts[part] is not None and part not in trained:
            raise ValueError(
                f"no loss term trains the {part}: add one that does, or set {part} to null"
            )
    if not any(_has_loss(term, "generator") for term in losses.values()):
        raise ValueError(f"no loss term trains the generator, got {', '.join(losses)}")
    if parts["discriminator"] is not None:
        _check_adversarial(losses)
    if parts["augmentation"] is not None and parts["discriminator"] is None:
        raise ValueError(
            "augmentation changes the discriminator's images, but discriminator is null"
        )


def _check_needs(name: str, term: Loss, parts: dict[str, nn.Module | None]) -> None:
    for part in term.needs:
        if part not in parts:
            raise ValueError(
                f"loss term {name} needs a {part}, which this model cannot have: leave {name} out"
            )
        if parts[part] is None:
            raise ValueError(
                f"loss term {name} needs a {part}, but {part} is null: add one, or leave {name} out"
            )
    if {"discriminator", "text_encoder"} <= {*term.needs}:
        discriminator = parts["discriminator"]
        if not discriminator.reads_text:
            kind = type(discriminator).__name__
            raise ValueError(
                f"loss term {name} needs a discriminator that reads the text, and {kind} does not: "
                f"leave {name} out"
            )


def _check_adversarial(losses: dict[str, Loss]) -> None:
    terms = {name: term for name, term in losses.items() if _has_loss(term, "discriminator")}
    if not terms:
        raise ValueError(
            "no loss term trains the discriminator: add one that does, or set it to null"
        )
    if not any(term.adversarial for term in terms.values()):
        raise ValueError(
            "no loss term trains the discriminator on real and fake images: add rpgan, hinge or "
            f"nonsaturating to {', '.join(terms)}"
        )


def prepare_terms(model: LightningModule) -> None:
    """Let the terms read training images, before the first step."""
    data = model.trainer.datamodule
    if data is None:
        return
    model.to(model.trainer.strategy.root_device)
    for term in model.losses.values():
        term.prepare(
            lambda limit: data.each_process("train", limit=limit),
            shown=model.trainer.is_global_zero,
        )


def check_text_width(text_encoder: TextEncoder, parts: dict[str, Part | None]) -> None:
    """Raise a ValueError if a part was built for another width than the text encoder's."""
    for name, part in parts.items():
        width = None if part is None else part.saved_arguments().get("text_width")
        if width not in (None, text_encoder.width):
            raise ValueError(
                f"text_width of the {name} must be the text encoder's width, "
                f"{text_encoder.width}, got {width}"
            )


def check_latents(
    generator: Generator, autoencoder: Autoencoder | None, parts: dict[str, Part | None]
) -> None:
    """Raise a ValueError if the generator does not make the latents of the autoencoder.

    Args:
        generator: of a model.
        autoencoder: of the model, or None.
        parts: name -> another part of the model that sees what the generator makes, or None.
    """
    if autoencoder is None:
        if not generator.bounded:
            raise ValueError(
                "generator must have bounded=true, since images are in [-1, 1], unless the model "
                "has an autoencoder"
            )
        return
    if tuple(generator.sample_shape) != tuple(autoencoder.latent_shape) or generator.bounded:
        own, bounded = tuple(generator.sample_shape), str(generator.bounded).lower()
        raise ValueError(
            f"generator must make the autoencoder's latents, {tuple(autoencoder.latent_shape)}, "
            f"with bounded=false, got {own} with bounded={bounded}"
        )
    for name, part in parts.items():
        shape = None if part is None else part.saved_arguments().get("sample_shape")
        if shape is not None and tuple(shape) != tuple(autoencoder.latent_shape):
            raise ValueError(
                f"{name} must be built for the autoencoder's latents, "
                f"{tuple(autoencoder.latent_shape)}, got {tuple(shape)}: choose one whose name "
                "ends in _latent"
            )


def check_channels(parts: nn.Module, channels: int) -> None:
    """Raise a ValueError if a frozen image encoder and the generator differ in channels.

    An encoder that sees decoded images is left out.

    Args:
        parts: a module that may contain such encoders.
        channels: of the generator.
    """
    decoded = {
        id(inner)
        for part in parts.modules()
        if isinstance(part, LatentAndImageDiscriminator)
        for inner in part.image.modules()
    }
    for part in parts.modules():
        if not isinstance(part, Frozen) or id(part) in decoded:
            continue
        net = part.net
        if isinstance(net, ImageEncoder) and net.channels != channels:
            raise ValueError(
                "pretrained image encoders and generator must have the same channels, "
                f"got {net.channels} and {channels}"
            )


def weighted_sum(
    turn: Literal["generator", "discriminator"],
    losses: nn.ModuleDict,
    step: AdversarialStep,
    log: dict[str, Any],
) -> Tensor:
    """Weighted sum of the terms of this turn; their unweighted values are added to `log`.

    Raises:
        NonFiniteLossError: a term is NaN or infinite.
        StoppedError: no term has a weight now.
    """
    total = step.real.new_zeros(())
    for name, term in losses.items():
        weight = value_at(getattr(term, f"{turn}_weight"), step.progress)
        if weight == 0 or not _has_loss(term, turn):
            continue
        value = getattr(term, f"{turn}_loss")(step)
        if value is not None:
            log[f"train/{turn}/{name}"] = value.detach()
            total = total + weight * value
    if not total.requires_grad:
        now = f"at {step.images_seen} images ({step.progress:g} of the budget)"
        raise StoppedError(f"no loss term trains the {turn} {now}: give one of them a weight there")
    return check_finite(turn, total, log, step.images_seen)


def check_weights(weights: dict[str, Schedule]) -> None:
    """Raise a ValueError if no term has a weight (a schedule), or if all are 0 at some progress."""
    if not weights:
        raise ValueError("losses must hold at least one term, got none")
    places = set().union(*(corners(weight) for weight in weights.values()))
    for progress in sorted(places - {1.0}):  # at 1 training has ended
        if not any(value_at(weight, progress) for weight in weights.values()):
            raise ValueError(
                "one of the losses must have a weight at any time, but at "
                f"{progress:g} of the budget it is 0 for {', '.join(weights)}"
            )


def contrastive_sum(
    losses: nn.ModuleDict, step: ContrastiveStep, log: dict[str, Any], images_seen: int
) -> Tensor:
    """Weighted sum of contrastive terms; the rest as in `weighted_sum`."""
    total = step.text.pooled.new_zeros(())
    for name, term in losses.items():
        weight = value_at(term.weight, step.progress)
        if weight:
            value = term(step)
            log[f"train/contrastive/{name}"] = value.detach()
            total = total + weight * value
    return check_finite("contrastive", total, log, images_seen)


def check_finite(kind: str, total: Tensor, log: dict[str, Any], images_seen: int) -> Tensor:
    """Return the total, or raise a NonFiniteLossError that names the term of `log`."""
    if torch.isfinite(total):
        return total
    found = {key.removeprefix("train/"): float(value) for key, value in log.items()}
    broken = [
        f"{key} is {value}"
        for key, value in found.items()
        if key.startswith(f"{kind}/") and not isfinite(value)
    ]
    raise NonFiniteLossError(
        f"training stopped at {images_seen} images: "
        f"loss term {', '.join(broken) or total.item()}; "
        "try a smaller learning rate or a larger gradient penalty"
    )


def _has_loss(term: Loss, turn: str) -> bool:
    method = f"{turn}_loss"
    return getattr(type(term), method) is not getattr(Loss, method)
