"""The main generator: residual upsampling, modulated by noise and text, with attention."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.generator.base import Generator
from textgan.layer import (
    CrossAttention,
    MappingNetwork,
    ModulatedBlock,
    Modulation,
    SelfAttention,
    TextPrior,
    channels_and_size,
    clamp_passing_gradient,
    nearest_resolutions,
    widths_by_resolution,
)
from textgan.types import Gaussian, TextFeatures


class AttentionGenerator(Generator):
    """Noise and text -> image or latent, by residual upsampling from 4x4 (or 5x5, 6x6, ...).

    Noise becomes a z whose mean and variance depend on the text (`prior`). Only the KL term trains
    them, so in a plain GAN z is the noise itself. A mapping network makes one style vector of z and
    the pooled text; it modulates every block. At middle resolutions positions also attend to the
    words (GigaGAN, Kang et al. 2023) and to each other (SAGAN, Zhang et al. 2019). Every block that
    upsamples has a learned encoding of positions.

    Args:
        sample_shape: (channels, size, size) of a sample. The size is a multiple of 8 from 8 to 256;
            images have 1, 3 or 4 channels.
        text_width: width of the text features.
        noise_width: length of the noise vector.
        width: channels at the full resolution; they double downwards.
        max_width: the most channels at any resolution.
        style_width: length of the style vector.
        word_resolutions: resolutions with attention to the words. A power of two stands for the
            nearest resolution of a block.
        attention_resolutions: resolutions with self-attention, as above.
        num_heads: heads of every attention.
        bounded: whether samples are clamped to [-1, 1], as images must be. Latents are not bounded.
    """

    def __init__(
        self,
        *,
        sample_shape: tuple[int, int, int],
        text_width: int,
        noise_width: int = 16,
        width: int = 24,
        max_width: int = 96,
        style_width: int = 128,
        word_resolutions: tuple[int, ...] = (8, 16),
        attention_resolutions: tuple[int, ...] = (8,),
        num_heads: int = 2,
        bounded: bool = True,
    ):
        super().__init__()
        channels, size = channels_and_size(sample_shape)
        if bounded and channels not in (1, 3, 4):
            raise ValueError(f"channels must be 1, 3 or 4 if bounded is true, got {channels}")
        self.sample_shape, self.noise_shape = (channels, size, size), (noise_width,)
        self.attends_words, self.bounded = len(word_resolutions) > 0, bounded
        widths = widths_by_resolution(size, width=width, max_width=max_width)
        with_words = nearest_resolutions("word_resolutions", word_resolutions, widths)
        with_attention = nearest_resolutions("attention_resolutions", attention_resolutions, widths)
        self.text_prior = TextPrior(text_width, noise_width)
        self.style = MappingNetwork(noise_width, text_width, style_width)
        self.start_size = min(widths)
        previous = widths[self.start_size]
        self.start = nn.Linear(style_width + noise_width, previous * self.start_size**2)
        self.blocks, self.attentions, self.word_attentions = (nn.ModuleDict() for _ in range(3))
        self.heads, self.to_images = nn.ModuleDict(), nn.ModuleDict()
        for resolution, here in widths.items():
            name = str(resolution)
            self.blocks[name] = ModulatedBlock(
                previous,
                here,
                style_width=style_width,
                resolution=resolution,
                upsample=resolution > self.start_size,
            )
            if resolution in with_words:
                self.word_attentions[name] = CrossAttention(
                    here, text_width=text_width, num_heads=num_heads
                )
            if resolution in with_attention:
                self.attentions[name] = SelfAttention(here, num_heads=num_heads)
            self.heads[name] = Modulation(here, style_width=style_width)
            self.to_images[name] = nn.Conv2d(here, channels, 3, padding=1)
            # The first images are almost flat: the net would have to unlearn their noise.
            nn.init.normal_(self.to_images[name].weight, std=0.1 * (9 * here) ** -0.5)
            previous = here

    def prior(self, text: TextFeatures) -> Gaussian:
        return Gaussian(*self.text_prior(text.pooled))

    def forward(self, noise: Tensor, text: TextFeatures) -> Tensor:
        """Noise (B, noise_width) and text -> samples (B, *sample_shape), in [-1, 1] if bounded."""
        return self._generate(noise, text, None)

    def _generate(self, noise: Tensor, text: TextFeatures, maps: list[Tensor] | None) -> Tensor:
        """Generate as `forward` does.

        Args:
            noise: (B, noise_width).
            text: of B captions.
            maps: None, or a list that gets the attention to the words at each resolution r,
                (B, L, r, r). The list belongs to this call alone, so several threads can use one
                generator.
        """
        z = self.prior(text).detach().sample(noise)
        style = self.style(z, text.pooled)  # (B, S)
        start = self.start(torch.cat([style, z], 1))
        x = start.unflatten(1, (-1, self.start_size, self.start_size))  # (B, C, 4, 4)
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
            if isinstance(image, Tensor):
                image = F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)
            image = image + self.to_images[resolution](F.silu(self.heads[resolution](x, style)))
        return clamp_passing_gradient(image) if self.bounded else image

    def word_attention(self, noise: Tensor, text: TextFeatures) -> Tensor:
        if not self.attends_words:
            return super().word_attention(noise, text)
        maps: list[Tensor] = []
        size = self._generate(noise, text, maps).shape[2:]
        enlarged = [F.interpolate(m, size, mode="bilinear", align_corners=False) for m in maps]
        return torch.stack(enlarged).mean(0)
