"""The contract of every discriminator."""

from abc import abstractmethod

from torch import Tensor

from textgan.pretrained.part import Part
from textgan.types import DiscriminatorOutput, TextFeatures


class Discriminator(Part):
    """Scores how real images look, given their text.

    It works in two halves, so that the features of an image are computed once and scored against
    several texts. The text is None where a model has none, and the noise level where its images
    have no noise; a discriminator that needs one of them, or cannot use it, says so.
    """

    @abstractmethod
    def features(self, images: Tensor) -> list[Tensor]:
        """Feature maps that do not depend on the text.

        Images (B, C, H, W) in [-1, 1] -> feature maps (B, C_i, H_i, W_i), shallow to deep.
        """

    @abstractmethod
    def score(self, features: list[Tensor], text: TextFeatures | None) -> DiscriminatorOutput:
        """Feature maps and text -> logits, pooled features, feature maps."""

    def forward(
        self, images: Tensor, text: TextFeatures | None, noise_level: Tensor | None = None
    ) -> DiscriminatorOutput:
        """Score images against a text.

        Args:
            images: (B, C, H, W) in [-1, 1].
            text: features of B captions, or None.
            noise_level: (B,) in [0, 1], the share of noise in each image; None means no noise.

        Returns:
            Logits, pooled features, feature maps.

        Raises:
            ValueError: there is a noise level, and this discriminator does not use it.
        """
        if noise_level is not None:
            raise ValueError(
                f"discriminator must be conditional on the noise level, and {type(self).__name__} "
                "is not"
            )
        return self.score(self.features(images), text)
