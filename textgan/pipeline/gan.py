"""Sampling from a GAN: one forward pass."""

from collections.abc import Sequence

from torch import Tensor

from textgan.generator.base import Generator
from textgan.pipeline.base import TextToImagePipeline
from textgan.seed import keyed_randn
from textgan.text_encoder.base import TextEncoder


class GANPipeline(TextToImagePipeline):
    """Captions -> text encoder -> generator -> pictures.

    Args:
        generator: draws from noise and text.
        text_encoder: reads the captions.
        trained_against: as the base says.
    """

    def __init__(
        self,
        generator: Generator,
        text_encoder: TextEncoder,
        *,
        trained_against: Sequence[str] = (),
    ):
        super().__init__()
        self.generator, self.text_encoder = generator, text_encoder
        self.trained_against = list(trained_against)

    def draw(
        self, captions: list[str], keys: list[tuple[int, ...]], *, guidance_scale: float
    ) -> Tensor:
        """As the base says.

        Guidance extrapolates in pixels, from what the empty caption draws of the same z.
        """
        noise = keyed_randn(keys, self.generator.noise_shape).to(self.device)
        text = self.text_encoder(captions)
        images = self.generator(noise, text)
        if guidance_scale == 1:
            return images
        nothing = self.text_encoder([""] * len(captions))
        z = self.generator.prior(text).sample(noise)
        empty = self.generator(self.generator.prior(nothing).standardise(z), nothing)
        return (empty + guidance_scale * (images - empty)).clamp(-1, 1)
