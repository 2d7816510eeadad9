"""Encoders that know pictures and captions tell the generator how well its draws fit."""

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
    """Contrastive terms between the generator's draws and their captions, through frozen encoders.

    sum_k w_k L_k(image_encoder(fake), text_encoder(captions)): with DAMSM the guidance of AttnGAN
    (Xu et al. 2018), with InfoNCE that of XMC-GAN (Zhang et al. 2021), LAFITE (Zhou et al. 2022)
    and GALIP (Tao et al. 2023). The encoders read captions in their own way, whatever the
    generator's text encoder is. They and the terms' temperatures stay as they are.

    Args:
        image_encoder: looks at the draws.
        text_encoder: reads their captions; as wide as `image_encoder`, and fitted.
        terms: name -> contrastive term; each counts with its own weight.
        weight: schedule of the weight of their sum in the generator's loss.

    Raises:
        ValueError: the encoders' widths differ, `text_encoder` is not fitted, there is no term, or
            one looks at features that the encoders' pretraining has left as random as they were.
    """

    draws = True

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
        """The draws and their captions in the encoders' space."""
        size, negatives = len(step.captions), step.negatives or []
        with torch.no_grad():
            text = self.text_encoder([*step.captions, *negatives])  # (B or 2 B)
        # Of one length on all processes, so that it can be gathered.
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
    """A ValueError where a term looks at features that stayed random in pretraining."""
    random = [kind for kind in term.aligns if aligned is not None and kind not in aligned]
    if random:
        raise ValueError(
            f"terms must look at what the encoders were pretrained to align, {', '.join(aligned)}, "
            f"but {name} looks at {random[0]}: pretrain them with a term that does, as damsm"
        )
