"""Guidance of the generator by frozen encoders that were pretrained on images and captions."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from textgan.image_encoder.base import ImageEncoder
from textgan.loss.base import ContrastiveLoss, Loss
from textgan.pretrained.frozen import Frozen
from textgan.schedule import Schedule, is_zero, value_at
from textgan.step import AdversarialStep, ContrastiveStep
from textgan.text_encoder.base import TextEncoder


class AlignmentGuidance(Loss):
    """Contrastive terms between the generator's samples and their captions, in frozen encoders.

    sum_k w_k L_k(image_encoder(fake), text_encoder(captions)): with DAMSM the guidance of AttnGAN
    (Xu et al. 2018), with InfoNCE that of XMC-GAN (Zhang et al. 2021), LAFITE (Zhou et al. 2022)
    and GALIP (Tao et al. 2023). The text encoder is independent of the generator's. Neither the
    encoders nor the terms' temperatures are trained.

    Args:
        image_encoder: encodes the samples.
        text_encoder: encodes their captions; as wide as `image_encoder`, and fitted.
        terms: name -> contrastive term; each is multiplied by its own weight.
        weight: schedule of the weight of their sum in the generator's loss.

    Raises:
        ValueError: the encoders' widths differ, `text_encoder` is not fitted, there is no term, or
            one needs features that the pretraining of the encoders did not align.
    """

    needs = ("text_encoder",)
    samples_per_caption = 1

    def __init__(
        self,
        *,
        image_encoder: ImageEncoder,
        text_encoder: TextEncoder,
        terms: dict[str, ContrastiveLoss],
        weight: Schedule = 1.0,
    ):
        super().__init__(generator_weight=weight)
        widths = image_encoder.width, text_encoder.width
        if widths[0] != widths[1]:
            rule = "image_encoder and text_encoder must have one width"
            raise ValueError(f"{rule}, got {widths[0]} and {widths[1]}")
        if not text_encoder.is_fitted:
            raise ValueError("text_encoder must be fitted already, got one without a vocabulary")
        if not terms:
            raise ValueError("terms must hold at least one contrastive term, got none")
        for name, term in terms.items():
            if not is_zero(term.weight):
                _check_aligned(name, term, image_encoder.aligned)
        self.image_encoder, self.text_encoder = Frozen(image_encoder), Frozen(text_encoder)
        self.terms = nn.ModuleDict(terms).requires_grad_(False)

    def generator_loss(self, step: AdversarialStep) -> Tensor | None:
        weights = {name: value_at(term.weight, step.progress) for name, term in self.terms.items()}
        weights = {name: weight for name, weight in weights.items() if weight}
        if step.fake is None or not weights:
            return None
        contrast = self._encode(step)
        return sum(weight * self.terms[name](contrast) for name, weight in weights.items())

    def _encode(self, step: AdversarialStep) -> ContrastiveStep:
        """Encode the samples and their captions."""
        size, negatives = len(step.captions), step.negatives or []
        with torch.no_grad():
            text = self.text_encoder([*step.captions, *negatives])  # (B or 2 B)
        # Gathering needs one length on all processes.
        text = text.pad(int(step.gather(torch.tensor([text.mask.shape[1]])).max()))
        return ContrastiveStep(
            captions=step.captions,
            all_captions=step.all_captions,
            text=text[:size],
            progress=step.progress,
            gather=step.gather,
            rank=step.rank,
            images=self.image_encoder(step.fake),
            negatives=step.negatives,
            wrong_text=text[size:] if negatives else None,
        )


def _check_aligned(name: str, term: ContrastiveLoss, aligned: Sequence[str] | None) -> None:
    """Raise a ValueError if a term needs features that were not aligned in pretraining."""
    random = [kind for kind in term.aligns if aligned is not None and kind not in aligned]
    if random:
        raise ValueError(
            f"terms must use features that the encoders were pretrained to align, "
            f"{', '.join(aligned)}, but {name} uses {random[0]}: pretrain the encoders with a term "
            "that aligns them, such as damsm"
        )
