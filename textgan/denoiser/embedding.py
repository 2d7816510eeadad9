"""An image embedding as a condition of a denoiser."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.pretrained.part import Part
from textgan.types import TextFeatures


class EmbeddingCondition(Part):
    """Adds the embedding of an image to the features of a caption, for any denoiser.

    As in DALL-E 2 (Ramesh et al. 2022, section 2.1), a projection of the embedding is added to the
    pooled text, and others are further words, which the denoiser attends to beside the caption's.
    Where there is no embedding, a learned one takes its place.

    Args:
        embedding_width: length E of an embedding.
        text_width: width of the text features.
        num_words: number of the further words.

    Raises:
        ValueError: a number is below 1.
    """

    def __init__(self, embedding_width: int, *, text_width: int, num_words: int = 4):
        super().__init__()
        for name, value in (("embedding_width", embedding_width), ("num_words", num_words)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.embedding_width, self.text_width = embedding_width, text_width
        self.num_words = num_words
        self.none = nn.Parameter(torch.randn(embedding_width))
        self.pooled = nn.Linear(embedding_width, text_width)
        self.words = nn.Linear(embedding_width, num_words * text_width)

    def forward(
        self, text: TextFeatures, embeddings: Tensor | None, present: Tensor | None = None
    ) -> TextFeatures:
        """Features of B captions -> features with `num_words` more words.

        Args:
            text: of the captions.
            embeddings: (B, E), of length 1; None is none for all.
            present: (B,) bool, which embeddings are used; None means all.
        """
        known = self.none.expand(len(text), -1)
        if embeddings is not None:
            given = (F.normalize(embeddings.float(), dim=1) * self.embedding_width**0.5).to(known)
            known = given if present is None else torch.where(present[:, None], given, known)
        words = self.words(known).unflatten(1, (self.num_words, -1)).to(text.words)
        return TextFeatures(
            torch.cat([words, text.words], 1),
            F.pad(text.mask, (self.num_words, 0), value=True),
            text.pooled + self.pooled(known).to(text.pooled),
        )
