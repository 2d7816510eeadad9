"""The contract of every generator."""

from abc import abstractmethod

from torch import Tensor

from textgan.pretrained.part import Part
from textgan.types import Gaussian, TextFeatures


class Generator(Part):
    """Noise and text -> samples: images, or latents of an autoencoder.

    A generator may have a text-conditional prior: `forward` then turns the standard normal noise
    into a z of that prior.

    Attributes:
        noise_shape: shape of the noise of one sample, without the batch.
        sample_shape: shape (C, H, W) of one sample. Images have 1 (gray), 3 (RGB) or 4 (RGBA)
            channels.
        bounded: whether samples are in [-1, 1], as images must be.
        attends_words: whether it has attention to single words, so that `word_attention` is
            defined.
    """

    noise_shape: tuple[int, ...]
    sample_shape: tuple[int, int, int]
    bounded: bool = True
    attends_words: bool = False

    @property
    def channels(self) -> int:
        """Channels of a sample."""
        return self.sample_shape[0]

    @property
    def image_size(self) -> int:
        """Height and width of a sample."""
        return self.sample_shape[-1]

    def prior(self, text: TextFeatures) -> Gaussian:
        """p(z | text), over (B, *noise_shape): the standard normal one, where z is the noise."""
        zeros = text.pooled.new_zeros(len(text), *self.noise_shape)
        return Gaussian(zeros, zeros)

    @abstractmethod
    def forward(self, noise: Tensor, text: TextFeatures) -> Tensor:
        """Standard normal noise (B, *noise_shape) and text -> samples (B, *sample_shape).

        Images are in [-1, 1].
        """

    def word_attention(self, noise: Tensor, text: TextFeatures) -> Tensor:
        """Attention of each position of what `forward` returns to each word -> (B, L, H, W) >= 0.

        Raises:
            ValueError: this generator has no attention to single words.
        """
        raise ValueError(f"{type(self).__name__} has no attention to single words")
