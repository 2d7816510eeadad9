"""The contrastive loss of AttnGAN, between words and image regions."""

import torch
from torch import Tensor

from textgan.loss.base import ContrastiveLoss, at_least_float32, cosines, symmetric_cross_entropy
from textgan.schedule import Schedule
from textgan.step import ContrastiveStep


class DAMSM(ContrastiveLoss):
    """L_1^w + L_2^w + L_1^s + L_2^s of AttnGAN (Xu et al. 2018, section 3.2, equation 14).

    The similarity of an image and a caption is that of the words and the regions that they attend
    to (w), and that of the whole image and the sentence (s); each is contrasted over the global
    batch in both directions. Departures: the four are means over the batch and not sums, so that
    the weight does not depend on its size; equal captions are not negatives of each other; empty
    captions are never negatives; and hard negatives of the data are added to the texts. Begin and
    end tokens count as words; padding is left out.

    The attention of each pair is kept for the backward pass: 2 L R + L D numbers a pair, which
    makes 0.4 GB for 128 images and 128 texts of L = 24 words, R = 64 regions and D = 128 in
    float32, and twice that with hard negatives.

    Args:
        weight: schedule of its weight.
        gamma_1: sharpness of the attention of a word over the regions.
        gamma_2: how much the best words of a caption outweigh the others.
        gamma_3: scale of the similarities, an inverse temperature.
        words: whether words are matched with regions.
        sentence: whether sentences are matched with images.

    Raises:
        ValueError: a gamma is not positive, or neither words nor sentences are matched.
    """

    def __init__(
        self,
        *,
        weight: Schedule = 1.0,
        gamma_1: float = 5.0,
        gamma_2: float = 5.0,
        gamma_3: float = 10.0,
        words: bool = True,
        sentence: bool = True,
    ):
        super().__init__(weight=weight)
        for name, gamma in {"gamma_1": gamma_1, "gamma_2": gamma_2, "gamma_3": gamma_3}.items():
            if not gamma > 0:
                raise ValueError(f"{name} must be above 0, got {gamma}")
        if not words and not sentence:
            raise ValueError("words or sentence must be true, got false for both")
        self.gamma_1, self.gamma_2, self.gamma_3 = gamma_1, gamma_2, gamma_3
        self.words, self.sentence = words, sentence
        self.aligns = (*(["pooled"] if sentence else []), *(["words"] if words else []))

    def forward(self, step: ContrastiveStep) -> Tensor:
        images, (texts, wrong) = step.all_images(), step.all_texts()
        similarities = []  # R(Q, D), (N, M) each
        if self.words:
            similarities.append(self.word_similarity(images.regions, texts.words, texts.mask))
        if self.sentence:
            similarities.append(cosines(images.pooled, texts.pooled))  # for (10)
        # (11) to (13): the paper adds the two directions, this function averages them.
        terms = [symmetric_cross_entropy(self.gamma_3 * each, wrong) for each in similarities]
        return 2 * sum(terms)  # (14)

    def word_similarity(self, regions: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """R(Q, D) of each image and each text, equations 7 to 10; in float32 or more.

        Args:
            regions: (N, R, D), of the images.
            words: (M, L, D), of the texts.
            mask: (M, L) bool, True at real words, never all False.

        Returns:
            (N, M), at most 1 + log(L) / gamma_2.
        """
        regions, words = at_least_float32(regions), at_least_float32(words)
        with torch.autocast(regions.device.type, enabled=False):
            s = (words.flatten(0, 1) @ regions.mT).unflatten(1, mask.shape)  # (N, M, L, R), (7)
            s = s.masked_fill(~mask[..., None], -torch.inf).softmax(2)  # over the words, (8)
            alpha = (self.gamma_1 * s).softmax(3)  # over the regions, (9)
            contexts = (alpha.flatten(1, 2) @ regions).unflatten(1, mask.shape)  # (N, M, L, D)
            lengths = contexts.norm(dim=3) * words.norm(dim=2)  # (N, M, L)
            products = torch.einsum("nmld,mld->nml", contexts, words)
            cosines = (products / lengths.clamp(min=1e-8)).masked_fill(~mask, -torch.inf)
            return (self.gamma_2 * cosines).logsumexp(2) / self.gamma_2  # (10)
