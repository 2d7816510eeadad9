"""The contract of every discriminator."""

from abc import abstractmethod

from torch import Tensor

from textgan.pretrained.part import Part
from textgan.types import DiscriminatorOutput, TextFeatures


class Discriminator(Part):
    """Scores how real images look, given their text.

    Features and scores are computed apart, so that the features of an image can be scored against
    several texts.

    Attributes:
        reads_text: whether a logit depends on the text.
    """

    reads_text: bool = True

    @abstractmethod
    def features(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, H, W) in [-1, 1] -> feature maps (B, C_i, H_i, W_i), shallow to deep."""

    @abstractmethod
    def score(self, features: list[Tensor], text: TextFeatures | None) -> DiscriminatorOutput:
        """Feature maps and text -> logits, pooled features, feature maps."""

    def forward(
        self, images: Tensor, text: TextFeatures | None, noise_level: Tensor | None = None
    ) -> DiscriminatorOutput:
        """Score images against a text.

        Args:
            images: (B, C, H, W) in [-1, 1].
            text: features of B captions; None in a model without text.
            noise_level: (B,) in [0, 1], the share of noise in each image; None if they have none.

        Returns:
            Logits, pooled features, feature maps.

        Raises:
            ValueError: a noise level is given, and this discriminator does not use it.
        """
        if noise_level is not None:
            raise ValueError(
                f"discriminator must be conditional on the noise level, and {type(self).__name__} "
                "is not"
            )
        return self.score(self.features(images), text)
