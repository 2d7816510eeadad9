"""What every generator is."""

from abc import abstractmethod

from torch import Tensor

from textgan.pretrained.part import Part
from textgan.types import Gaussian, TextFeatures


class Generator(Part):
    """Noise and text -> images.

    A generator may draw from a z of its own that lies elsewhere for each caption: `prior` says
    where, and `forward` turns the noise into it.

    Attributes:
        noise_shape: shape of the noise of one picture, without the batch.
        image_size: height and width of what it draws, in pixels.
        channels: 1 (gray), 3 (RGB) or 4 (RGBA).
        attends_words: whether its places look at single words, so that `word_attention` is defined.
    """

    noise_shape: tuple[int, ...]
    image_size: int
    channels: int
    attends_words: bool = False

    def prior(self, text: TextFeatures) -> Gaussian:
        """p(z | text), over (B, *noise_shape): the standard normal one, where z is the noise."""
        zeros = text.pooled.new_zeros(len(text), *self.noise_shape)
        return Gaussian(zeros, zeros)

    @abstractmethod
    def forward(self, noise: Tensor, text: TextFeatures) -> Tensor:
        """Standard normal noise (B, *noise_shape) and text -> images (B, C, H, W) in [-1, 1]."""

    def word_attention(self, noise: Tensor, text: TextFeatures) -> Tensor:
        """How much each place of what `forward` draws looked at each word -> (B, L, H, W) >= 0.

        Raises:
            ValueError: no place of this generator looks at single words.
        """
        raise ValueError(f"{type(self).__name__} has no attention to single words")
