"""The main generator: residual upsampling, modulated by noise and text, with attention."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.generator.base import Generator
from textgan.layer import (
    CrossAttention,
    ModulatedBlock,
    Modulation,
    SelfAttention,
    Style,
    TextPrior,
    bound,
    check_resolutions,
    widths_by_resolution,
)
from textgan.types import Gaussian, TextFeatures


class AttentionGenerator(Generator):
    """Noise and text -> image, by residual upsampling from 4x4.

    Noise becomes a z whose mean and variance the text decides (`prior`); what decides them learns
    from the KL term alone, so in a plain GAN z is the noise itself. z and pooled text make one
    style vector, which modulates every block; at middle resolutions each place also looks at the
    words (GigaGAN, Kang et al. 2023) and at the other places (SAGAN, Zhang et al. 2019). From 8x8
    on each block knows where a place is.

    Args:
        image_size: 16, 32, 64, 128 or 256.
        text_width: width of the text features.
        channels: 1, 3 or 4.
        noise_width: length of the noise vector.
        width: channels at the full resolution; they double downwards.
        max_width: the most channels at any resolution.
        style_width: length of the style vector.
        word_resolutions: where places look at the words.
        attention_resolutions: where places look at each other.
        num_heads: heads of every attention.
    """

    def __init__(
        self,
        *,
        image_size: int,
        text_width: int,
        channels: int = 3,
        noise_width: int = 16,
        width: int = 24,
        max_width: int = 96,
        style_width: int = 128,
        word_resolutions: tuple[int, ...] = (8, 16),
        attention_resolutions: tuple[int, ...] = (8,),
        num_heads: int = 2,
    ):
        super().__init__()
        if channels not in (1, 3, 4):
            raise ValueError(f"channels must be 1, 3 or 4, got {channels}")
        self.image_size, self.channels, self.noise_shape = image_size, channels, (noise_width,)
        self.attends_words = len(word_resolutions) > 0
        widths = widths_by_resolution(image_size, width=width, max_width=max_width)
        check_resolutions("word_resolutions", word_resolutions, widths)
        check_resolutions("attention_resolutions", attention_resolutions, widths)
        self.text_prior = TextPrior(text_width, noise_width)
        self.style = Style(noise_width, text_width, style_width)
        self.start = nn.Linear(style_width + noise_width, widths[4] * 16)
        self.blocks, self.attentions, self.word_attentions = (nn.ModuleDict() for _ in range(3))
        self.heads, self.to_images = nn.ModuleDict(), nn.ModuleDict()
        previous = widths[4]
        for resolution, here in widths.items():
            name = str(resolution)
            self.blocks[name] = ModulatedBlock(
                previous, here, style_width=style_width, resolution=resolution
            )
            if resolution in word_resolutions:
                self.word_attentions[name] = CrossAttention(
                    here, text_width=text_width, num_heads=num_heads
                )
            if resolution in attention_resolutions:
                self.attentions[name] = SelfAttention(here, num_heads=num_heads)
            self.heads[name] = Modulation(here, style_width=style_width)
            self.to_images[name] = nn.Conv2d(here, channels, 3, padding=1)
            # The first pictures are flat: noise would have to be unlearnt.
            nn.init.normal_(self.to_images[name].weight, std=0.1 * (9 * here) ** -0.5)
            previous = here

    def prior(self, text: TextFeatures) -> Gaussian:
        return Gaussian(*self.text_prior(text.pooled))

    def forward(self, noise: Tensor, text: TextFeatures) -> Tensor:
        """Noise (B, noise_width) and text -> images (B, channels, H, H) in [-1, 1]."""
        return self._draw(noise, text, None)

    def _draw(self, noise: Tensor, text: TextFeatures, maps: list[Tensor] | None) -> Tensor:
        """Draw as `forward` does.

        Args:
            noise: (B, noise_width).
            text: of B captions.
            maps: takes the attention to the words at each resolution r, (B, L, r, r), where the
                caller hands in a list. The list belongs to this call alone, so that several
                threads can draw with one generator.
        """
        z = self.prior(text).detach().sample(noise)
        style = self.style(z, text.pooled)  # (B, S)
        x = self.start(torch.cat([style, z], 1)).unflatten(1, (-1, 4, 4))  # (B, C, 4, 4)
        x = x.contiguous(memory_format=torch.channels_last)
        image = 0.0
        for resolution, block in self.blocks.items():
            x = block(x, style)  # (B, C_r, r, r)
            if resolution in self.word_attentions:
                attention = self.word_attentions[resolution]
                if maps is not None:
                    weights = attention.weights(x, text.words, text.mask)  # (B, heads, rr, L)
                    maps.append(weights.mean(1).mT.unflatten(-1, x.shape[2:]))
                x = attention(x, text.words, text.mask)
            if resolution in self.attentions:
                x = self.attentions[resolution](x)
            if resolution != "4":
                image = F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)
            image = image + self.to_images[resolution](F.silu(self.heads[resolution](x, style)))
        return bound(image)

    def word_attention(self, noise: Tensor, text: TextFeatures) -> Tensor:
        if not self.attends_words:
            return super().word_attention(noise, text)
        maps: list[Tensor] = []
        size = self._draw(noise, text, maps).shape[2:]
        enlarged = [F.interpolate(m, size, mode="bilinear", align_corners=False) for m in maps]
        return torch.stack(enlarged).mean(0)
