"""Images as latents or codes, and back."""

from collections.abc import Sequence

import torch
from torch import Tensor

from textgan.autoencoder.base import Autoencoder
from textgan.pipeline.base import Pipeline


class AutoencoderPipeline(Pipeline):
    """An autoencoder for inference.

    Args:
        autoencoder: encodes and decodes images.
        trained_against: as in `Pipeline`.
    """

    abilities = frozenset({"encode"})

    def __init__(self, autoencoder: Autoencoder, *, trained_against: Sequence[str] = ()):
        super().__init__()
        self.autoencoder, self.trained_against = autoencoder, list(trained_against)

    @property
    def image_size(self) -> int:
        """Side of the images that it was trained on; other sizes are encoded too."""
        return self.autoencoder.image_size

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.autoencoder.channels

    @property
    def bits(self) -> float | None:
        """Bits of the codes of an image of `image_size`; None for a continuous autoencoder."""
        _, height, width = self.autoencoder.latent_shape
        quantizer = self.autoencoder.quantizer
        return None if quantizer is None else quantizer.bits * height * width

    @torch.no_grad()
    def encode(self, images: Tensor, batch_size: int = 64) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] -> standardised latents (B, c, h, w) float32.

        Raises:
            ValueError: the images do not fit the autoencoder.
        """
        batches = images.split(batch_size)
        return torch.cat([self.autoencoder.encode(self._own(b)).values.float() for b in batches])

    @torch.no_grad()
    def decode(self, latents: Tensor, batch_size: int = 64) -> Tensor:
        """Standardised latents (B, c, h, w) -> images (B, C, H, W) float32 in [-1, 1]."""
        batches = latents.split(batch_size)
        return torch.cat([self.autoencoder.decode(self._own(b)).float() for b in batches])

    @torch.no_grad()
    def encode_to_codes(self, images: Tensor, batch_size: int = 64) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] -> codes (B, groups, h, w) int64.

        Raises:
            TypeError: the autoencoder is continuous.
            ValueError: the images do not fit the autoencoder.
        """
        batches = images.split(batch_size)
        return torch.cat([self.autoencoder.encode_to_codes(self._own(b)) for b in batches])

    @torch.no_grad()
    def decode_codes(self, codes: Tensor, batch_size: int = 64) -> Tensor:
        """Codes (B, groups, h, w) int64 -> images (B, C, H, W) float32 in [-1, 1].

        Raises:
            TypeError: the autoencoder is continuous.
            ValueError: they are no codes of its quantizer.
        """
        batches = codes.to(self.device).split(batch_size)
        return torch.cat([self.autoencoder.decode_codes(b).float() for b in batches])

    def reconstruct(self, images: Tensor, batch_size: int = 64) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] -> their reconstructions, decoded from their codes.

        A continuous autoencoder decodes the mean of the posterior.
        """
        if self.autoencoder.quantizer is not None:
            return self.decode_codes(self.encode_to_codes(images, batch_size), batch_size)
        return self.decode(self.encode(images, batch_size), batch_size)

    def _own(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, self.dtype)
