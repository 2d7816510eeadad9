"""What every discriminator is."""

from abc import abstractmethod

from torch import Tensor

from textgan.pretrained.part import Part
from textgan.types import DiscriminatorOutput, TextFeatures


class Discriminator(Part):
    """Images and text -> how real the images look as pictures of the text.

    In two halves, so that one look at a picture can be judged against several texts.
    """

    @abstractmethod
    def look(self, images: Tensor) -> list[Tensor]:
        """What is seen before any text is known.

        Images (B, C, H, W) in [-1, 1] -> feature maps (B, C_i, H_i, W_i), shallow to deep.
        """

    @abstractmethod
    def judge(self, features: list[Tensor], text: TextFeatures) -> DiscriminatorOutput:
        """What `look` saw, against a text."""

    def forward(self, images: Tensor, text: TextFeatures) -> DiscriminatorOutput:
        """Images (B, C, H, W) in [-1, 1] and text -> logits, pooled features, feature maps."""
        return self.judge(self.look(images), text)
