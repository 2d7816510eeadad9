"""A convolutional autoencoder."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.autoencoder.base import Autoencoder
from textgan.layer import (
    ChannelNorm,
    ResidualBlock,
    channels_and_size,
    clamp_passing_gradient,
    from_logits,
)
from textgan.quantizer.base import Quantizer
from textgan.types import LogitLaplace


class ConvolutionAutoencoder(Autoencoder):
    """Residual convolutions between an image and latents of a quarter or an eighth of its size.

    The first step folds 4x4 pixels into channels, and the last unfolds them: the full resolution,
    at which a convolution costs most, is left at once. There are no layers that join distant
    positions, so the autoencoder can be trained on crops and used on images of any size that the
    downsampling divides.

    Args:
        sample_shape: (channels, size, size) of the images.
        downsampling: 4 or 8, the image's size over that of the latents.
        latent_channels: c of continuous latents. With a quantizer it decides.
        quantizer: makes the latents discrete, or None for a posterior (Kingma & Welling 2014).
        width: channels at a quarter of the image's size.
        deep_width: channels at an eighth.
        encoder_blocks, decoder_blocks: residual blocks at each of these sizes.
        refine_width: channels of a convolution at full resolution after the unfolding, which
            smooths the edges between the blocks of 4x4 pixels; 0 leaves it out.
        logit_laplace: whether the decoder outputs a mean and a scale of each pixel's logit, for
            `loss=logit_laplace` (DALL-E 1); the image is made of the means. It has no refining
            convolution.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        *,
        sample_shape: tuple[int, int, int],
        downsampling: int = 8,
        latent_channels: int = 12,
        quantizer: Quantizer | None = None,
        width: int = 96,
        deep_width: int = 128,
        encoder_blocks: int = 2,
        decoder_blocks: int = 3,
        refine_width: int = 16,
        logit_laplace: bool = False,
    ):
        channels, size = channels_and_size(sample_shape)
        if downsampling not in (4, 8):
            raise ValueError(f"downsampling must be 4 or 8, got {downsampling}")
        for name, number in (
            *(("latent_channels", latent_channels), ("width", width), ("deep_width", deep_width)),
            *(("encoder_blocks", encoder_blocks), ("decoder_blocks", decoder_blocks)),
        ):
            if number < 1:
                raise ValueError(f"{name} must be at least 1, got {number}")
        if refine_width < 0:
            raise ValueError(f"refine_width must be at least 0, got {refine_width}")
        inner = 2 * latent_channels if quantizer is None else quantizer.in_channels
        outer = latent_channels if quantizer is None else quantizer.channels
        super().__init__(
            sample_shape, (outer, size // downsampling, size // downsampling), quantizer
        )
        is_deep = downsampling == 8
        last = deep_width if is_deep else width
        down = [nn.PixelUnshuffle(2), nn.Conv2d(4 * width, deep_width, 3, padding=1)]
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(16 * channels, width, 3, padding=1),
            *_blocks(width, encoder_blocks),
            *([*down, *_blocks(deep_width, encoder_blocks)] if is_deep else []),
            ChannelNorm(last),
            nn.Conv2d(last, inner, 1),
        )
        up = [nn.Conv2d(deep_width, 4 * width, 3, padding=1), nn.PixelShuffle(2)]
        self.decoder = nn.Sequential(
            nn.Conv2d(outer, last, 3, padding=1),
            *([*_blocks(deep_width, decoder_blocks), *up] if is_deep else []),
            *_blocks(width, decoder_blocks),
            ChannelNorm(width),
            nn.Conv2d(width, 16 * channels * (1 + logit_laplace), 3, padding=1),
            nn.PixelShuffle(4),
        )
        self.has_distribution = logit_laplace
        nn.init.normal_(self.decoder[-2].weight, std=0.1 * (9 * width) ** -0.5)
        is_refined = refine_width > 0 and not logit_laplace
        self.refine = _Refine(channels, refine_width) if is_refined else None

    def encode_raw(self, images: Tensor) -> Tensor:
        return self.encoder(images.contiguous(memory_format=torch.channels_last))

    def decode_raw(self, latents: Tensor) -> Tensor:
        images = self.decoder(latents.contiguous(memory_format=torch.channels_last))
        if self.has_distribution:
            return from_logits(images.chunk(2, 1)[0])
        if self.refine is not None:
            images = self.refine(images)
        return clamp_passing_gradient(images)

    def decode_with_distribution(self, values: Tensor) -> tuple[Tensor, LogitLaplace | None]:
        if not self.has_distribution:
            return super().decode_with_distribution(values)
        raw = self._raw(values).contiguous(memory_format=torch.channels_last)
        mean, log_scale = self.decoder(raw).chunk(2, 1)
        return from_logits(mean), LogitLaplace(mean, log_scale)


class _Refine(nn.Module):
    """Adds two convolutions at full resolution; at first it is the identity."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.first_conv = nn.Conv2d(channels, width, 3, padding=1)
        self.second_conv = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.second_conv.weight)
        nn.init.zeros_(self.second_conv.bias)

    def forward(self, images: Tensor) -> Tensor:
        return images + self.second_conv(F.silu(self.first_conv(images)))


def _blocks(width: int, number: int) -> list[nn.Module]:
    return [ResidualBlock(width) for _ in range(number)]
