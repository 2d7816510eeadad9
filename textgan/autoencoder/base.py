"""The contract of every autoencoder."""

from abc import abstractmethod

import torch
from torch import Tensor

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
    """

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
        self.register_buffer("latent_deviation", torch.ones(latent_shape[0], 1, 1))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

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
        return self.decode_raw(self.quantizer.decode(codes))

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
        return values * self.latent_deviation + self.latent_mean

    def _check_discrete(self) -> None:
        if self.quantizer is None:
            raise TypeError("the autoencoder is continuous: it has no quantizer and no codes")

    def _standardised(self, raw: Tensor) -> Tensor:
        if self.training:
            self._follow(raw.detach().float())
        return (raw - self.latent_mean) / self.latent_deviation

    def _follow(self, raw: Tensor) -> None:
        """Move mean and deviation towards those of a batch; the first batches count alike."""
        self.batches += 1
        momentum = max(_MOMENTUM, 1 / int(self.batches))
        flat = raw.transpose(0, 1).flatten(1)  # (c, N)
        deviation = flat.std(1, correction=0).clamp(min=1e-4)
        self.latent_mean.lerp_(flat.mean(1)[:, None, None], momentum)
        self.latent_deviation.lerp_(deviation[:, None, None], momentum)

    def _check_images(self, images: Tensor) -> None:
        if images.shape[1] != self.channels:
            raise ValueError(f"images must have {self.channels} channels, got {images.shape[1]}")
        factor = self.image_size // self.latent_shape[1]
        if any(side % factor for side in images.shape[-2:]):
            sides = " x ".join(map(str, images.shape[-2:]))
            raise ValueError(f"images must have sides that {factor} divides, got {sides}")
