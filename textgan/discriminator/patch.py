"""A discriminator of patches."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.discriminator.base import Discriminator
from textgan.layer import channels_and_size
from textgan.types import DiscriminatorOutput, TextFeatures


class PatchDiscriminator(Discriminator):
    """A logit for each patch of an image, without a text (PatchGAN, Isola et al. 2017).

    Convolutions that halve the size, without normalisation: each logit sees a patch of the image
    only, so that it judges texture and edges, and leaves the layout to the other losses. The images
    of an autoencoder need no more.

    Args:
        sample_shape: (channels, size, size) of an image or latent.
        width: channels after the first convolution; they double up to `max_width`.
        max_width: the most channels.
        depth: number of halvings, at least 1. A logit sees patches of 6, 18, 42 or 90 pixels for
            1 to 4 of them.

    Raises:
        ValueError: a number is out of range.
    """

    reads_text = False

    def __init__(
        self,
        *,
        sample_shape: tuple[int, int, int],
        width: int = 32,
        max_width: int = 128,
        depth: int = 3,
    ):
        super().__init__()
        channels, _ = channels_and_size(sample_shape)
        for name, number in (("width", width), ("max_width", max_width), ("depth", depth)):
            if number < 1:
                raise ValueError(f"{name} must be at least 1, got {number}")
        widths = [min(width * 2**n, max_width) for n in range(depth)]
        inputs = [channels, *widths[:-1]]
        self.layers = nn.ModuleList(
            nn.Conv2d(here, there, 4, stride=2, padding=1)
            for here, there in zip(inputs, widths, strict=True)
        )
        self.logit = nn.Conv2d(widths[-1], 1, 3, padding=1)
        for layer in (*self.layers, self.logit):
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            nn.init.zeros_(layer.bias)

    def features(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, H, W) -> a map for each halving."""
        x, features = images, []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return features

    def score(self, features: list[Tensor], text: TextFeatures | None) -> DiscriminatorOutput:
        """Features -> logits (B, patches); pooled and text are empty, (B, 0)."""
        logits = self.logit(features[-1]).flatten(1)
        nothing = torch.zeros(len(logits), 0, device=logits.device)
        return DiscriminatorOutput(logits, nothing, nothing, features, text_logits=0)
