"""The contract of every autoencoder."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from torch import Tensor
from torch.distributed import all_reduce, is_available, is_initialized

from textgan.errors import ConfigError
from textgan.pretrained.part import Part
from textgan.quantizer.base import Quantizer
from textgan.types import Gaussian, Latents, LogitLaplace

_MOMENTUM = 0.01


class Autoencoder(Part):
    """Images <-> latents, continuous with a posterior, or discrete with a quantizer.

    A subclass implements `encode_raw` and `decode_raw`; this class samples or quantises, and
    standardises: it follows the mean and deviation of each channel during training, so that what is
    trained on the latents sees mean 0 and variance 1.

    Args:
        sample_shape: (channels, size, size) of the images.
        latent_shape: (c, h, w) of the latents.
        quantizer: makes the latents discrete, or None.

    Attributes:
        image_size, channels: of the images.
        latent_shape, quantizer: as given.
        has_distribution: whether it outputs a distribution of the pixels.
        trained_against: as in `Pipeline`, of the pipeline that it was loaded from. An autoencoder
            saved alone has none.
        compiles: False, since it is used by its methods and not by a call.
    """

    trained_against: Sequence[str] = ()
    compiles = False

    has_distribution: bool = False

    def __init__(
        self,
        sample_shape: tuple[int, int, int],
        latent_shape: tuple[int, int, int],
        quantizer: Quantizer | None,
    ):
        super().__init__()
        self.channels, self.image_size = sample_shape[0], sample_shape[1]
        self.latent_shape, self.quantizer = tuple(latent_shape), quantizer
        self.register_buffer("latent_mean", torch.zeros(latent_shape[0], 1, 1))
        self.register_buffer("latent_square", torch.ones(latent_shape[0], 1, 1))  # mean square
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def remember_source(self, config: dict[str, Any], file: Path) -> None:
        """Take over `trained_against` of a saved pipeline."""
        known = config.get("trained_against", [])
        if not isinstance(known, list) or not all(isinstance(word, str) for word in known):
            raise ValueError(
                f"{file} must have a list of words as trained_against, got {known!r:.80}"
            )
        self.trained_against = known

    def lineage(self) -> frozenset[str]:
        """`trained_against`: what is trained on its latents is trained against it too."""
        return frozenset(self.trained_against)

    @property
    def latent_deviation(self) -> Tensor:
        """The standard deviation of each channel of the latents, (c, 1, 1)."""
        return (self.latent_square - self.latent_mean.square()).clamp(min=1e-8).sqrt()

    @abstractmethod
    def encode_raw(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] -> the input of the quantizer, or mean and log variance.

        These are concatenated: (B, 2 c, h, w).
        """

    @abstractmethod
    def decode_raw(self, latents: Tensor) -> Tensor:
        """Latents (B, c, h, w), not standardised -> images (B, C, H, W) in [-1, 1]."""

    def encode(
        self, images: Tensor, *, noise: Tensor | None = None, progress: float = 1.0
    ) -> Latents:
        """Images -> their latents.

        Args:
            images: (B, C, H, W) in [-1, 1].
            noise: (B, c, h, w) standard normal, for a sample of the posterior; None takes its mean.
            progress: share of the training, for the quantizer.

        Raises:
            ValueError: the images have other channels, or a side that the downsampling does not
                divide.
        """
        self._check_images(images)
        raw = self.encode_raw(images)
        raw = raw.to(torch.promote_types(raw.dtype, torch.float32))
        if self.quantizer is not None:
            quantized = self.quantizer(raw, progress)
            return Latents(self._standardised(quantized.values), quantized=quantized)
        mean, log_variance = raw.chunk(2, 1)
        posterior = Gaussian(mean, log_variance.clamp(-20, 4))
        values = mean if noise is None else posterior.sample(noise)
        return Latents(self._standardised(values), posterior)

    def check_size(self, images: Tensor) -> None:
        """Raise a ConfigError unless training images (B, C, H, W) have the size of its own ones.

        What is trained on the latents was built for their size.
        """
        sides = images.shape[-2:]
        if tuple(sides) != (self.image_size, self.image_size):
            raise ConfigError(
                f"image_size must be that of the autoencoder, {self.image_size}, got images of "
                f"{' x '.join(map(str, sides))}"
            )

    def decode(self, values: Tensor) -> Tensor:
        """Standardised latents (B, c, h, w) -> images (B, C, H, W) in [-1, 1]."""
        return self.decode_raw(self._raw(values))

    def decode_with_distribution(self, values: Tensor) -> tuple[Tensor, LogitLaplace | None]:
        """As `decode`, and the distribution of the pixels; None for most autoencoders."""
        return self.decode(values), None

    def encode_to_codes(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) -> codes (B, groups, h, w) int64.

        Raises:
            TypeError: the autoencoder is continuous.
        """
        self._check_discrete()
        return self.encode(images).quantized.codes

    def decode_codes(self, codes: Tensor) -> Tensor:
        """Codes (B, groups, h, w) int64 -> images (B, C, H, W) in [-1, 1].

        Raises:
            TypeError: the autoencoder is continuous.
            ValueError: they are no codes of its quantizer.
        """
        self._check_discrete()
        return self.decode_raw(self._own(self.quantizer.decode(codes)))

    def values_of(self, codes: Tensor) -> Tensor:
        """Codes (B, groups, h, w) int64 -> standardised latents (B, c, h, w).

        Raises:
            TypeError: the autoencoder is continuous.
            ValueError: they are no codes of its quantizer.
        """
        self._check_discrete()
        return (self.quantizer.decode(codes) - self.latent_mean) / self.latent_deviation

    def _raw(self, values: Tensor) -> Tensor:
        """Latents before the standardisation."""
        self._check_latents(values)
        return self._own(values * self.latent_deviation + self.latent_mean)

    def _own(self, values: Tensor) -> Tensor:
        """Values in the dtype of the weights, unless autocast chooses it."""
        return values.to(next(self.parameters()).dtype)

    def _check_latents(self, values: Tensor) -> None:
        channels = self.latent_shape[0]
        if values.ndim != 4 or values.shape[1] != channels or 0 in values.shape[2:]:
            rule = f"latents must have the shape (images, {channels}, height, width)"
            raise ValueError(f"{rule}, got {tuple(values.shape)}")

    def _check_discrete(self) -> None:
        if self.quantizer is None:
            raise TypeError("the autoencoder is continuous: it has no quantizer and no codes")

    def _standardised(self, raw: Tensor) -> Tensor:
        if self.training:
            self._follow(raw.detach())
        return (raw - self.latent_mean) / self.latent_deviation

    def _follow(self, raw: Tensor) -> None:
        """Move the moments towards those of the global batch; the first batches count alike."""
        self.batches += 1
        momentum = max(_MOMENTUM, 1 / int(self.batches))
        flat = raw.transpose(0, 1).flatten(1)  # (c, N)
        sums = torch.stack(
            [flat.sum(1), flat.square().sum(1), torch.full_like(flat[:, 0], flat.shape[1])]
        )
        if is_available() and is_initialized():
            all_reduce(sums)
        mean, square = (sums[:2] / sums[2])[..., None, None].to(self.latent_mean.dtype)
        self.latent_mean.lerp_(mean, momentum)
        self.latent_square.lerp_(square, momentum)

    def _check_images(self, images: Tensor) -> None:
        if images.shape[1] != self.channels:
            raise ValueError(f"images must have {self.channels} channels, got {images.shape[1]}")
        factor = self.image_size // self.latent_shape[1]
        if any(side % factor for side in images.shape[-2:]):
            sides = " x ".join(map(str, images.shape[-2:]))
            raise ValueError(f"images must have sides that {factor} divides, got {sides}")


def latents_of(autoencoder: Autoencoder, images: Tensor) -> Tensor:
    """Images (B, C, H, W) -> standardised latents (B, c, h, w) alone."""
    return autoencoder.encode(images).values
