"""The contract of priors over codes, and how codes are drawn."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from textgan.pretrained.part import Part
from textgan.types import TextFeatures


@dataclass(frozen=True)
class Sampling:
    """How codes are drawn from a prior's logits.

    Args:
        temperature: divisor of the logits; 0 takes the most probable code.
        top_k: number of codes that can be drawn; 0 means all.
        top_p: the most probable codes that together have this share can be drawn (nucleus
            sampling, Holtzman et al. 2020); 1 means all.
        guidance_scale: s of classifier-free guidance, u + s (c - u), where c are the logits of the
            caption and u those of the empty caption; 1 leaves it out.
        num_inference_steps: steps of a prior that draws many codes at once; unused by others.

    Raises:
        ValueError: a number is out of range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    guidance_scale: float = 1.0
    num_inference_steps: int = 8

    def __post_init__(self):
        if self.temperature < 0:
            raise ValueError(f"temperature must be at least 0, got {self.temperature}")
        if self.top_k < 0:
            raise ValueError(f"top_k must be at least 0, got {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be within (0, 1], got {self.top_p}")
        if self.guidance_scale < 0:
            raise ValueError(f"guidance_scale must be at least 0, got {self.guidance_scale}")
        if self.num_inference_steps < 1:
            rule = "num_inference_steps must be at least 1"
            raise ValueError(f"{rule}, got {self.num_inference_steps}")

    @property
    def is_guided(self) -> bool:
        """Whether the logits of the empty caption are needed."""
        return self.guidance_scale != 1

    def guided(self, logits: Tensor, progress: float) -> Tensor:
        """Combine logits (2 B, ..., K), of captions and then of empty ones -> (B, ..., K).

        The scale rises linearly from 1 to `guidance_scale` over the sequence: the first codes
        decide the layout, and guiding them strongly makes all images alike.

        Args:
            logits: of B captions, then of B empty ones.
            progress: share of the sequence that is drawn, in [0, 1].
        """
        with_text, without = logits.chunk(2)
        scale = 1 + (self.guidance_scale - 1) * progress
        return without + scale * (with_text - without)

    def draw(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """Draw a code by each row of logits (B, K) and number (B,) in [0, 1) -> (B,) int64."""
        if self.temperature == 0:
            return logits.argmax(-1)
        logits = logits.float() / self.temperature
        if 0 < self.top_k < logits.shape[-1]:
            least = logits.topk(self.top_k).values[:, -1:]
            logits = logits.masked_fill(logits < least, -torch.inf)
        if self.top_p == 1:  # the order of the codes does not matter, and sorting is slow
            edges = logits.softmax(-1).cumsum(-1)
            place = (edges <= uniform[:, None].to(edges.dtype) * edges[:, -1:]).sum(-1)
            return place.clamp(max=logits.shape[-1] - 1)
        shares, order = logits.softmax(-1).sort(descending=True, stable=True)
        before = shares.cumsum(-1) - shares  # the share of more probable codes
        shares = shares.masked_fill(before >= self.top_p, 0.0)
        edges = shares.cumsum(-1)
        place = (edges < uniform[:, None].to(edges.dtype) * edges[:, -1:]).sum(-1)
        place = place.clamp(max=logits.shape[-1] - 1)
        return order.gather(-1, place[:, None]).squeeze(-1)


class TokenPrior(Part):
    """p(codes | caption) for the codes (groups, h, w) of a discrete autoencoder.

    Attributes:
        codes_shape: (groups, h, w) of an image's codes.
        codebook_size: number of different codes.
        text_width: width of the text features.
        is_parallel: True if many codes are drawn at once, in `Sampling.num_inference_steps` steps.
    """

    codes_shape: tuple[int, int, int]
    codebook_size: int
    text_width: int
    is_parallel: bool = False

    def check(self, codes: Tensor) -> None:
        """Raise a ValueError unless codes, or numbers for them, have the shape of this prior."""
        if tuple(codes.shape[1:]) != tuple(self.codes_shape):
            rule = f"codes must have the shape {tuple(self.codes_shape)} of the prior"
            raise ValueError(f"{rule}, got {tuple(codes.shape[1:])}")

    @abstractmethod
    def loss(self, codes: Tensor, text: TextFeatures, uniform: Tensor) -> Tensor:
        """The loss of training: the cross-entropy of the codes in nats per position, a scalar.

        It is summed over the groups of a position.

        Args:
            codes: (B, groups, h, w) int64.
            text: of B captions.
            uniform: (B, 1 + h * w) random numbers in [0, 1).
        """

    def log_likelihood(self, codes: Tensor, text: TextFeatures) -> Tensor:
        """Log p(codes | caption) in nats: codes (B, groups, h, w), text of B captions -> (B,).

        Raises:
            TypeError: the prior draws its codes in no fixed order, so it cannot tell.
        """
        raise TypeError(f"{type(self).__name__} has no likelihood: use a prior such as GPTPrior")

    @abstractmethod
    def numbers_shape(self, sampling: Sampling) -> tuple[int, ...]:
        """The shape of the random numbers that `sample` needs for an image."""

    @abstractmethod
    def sample(
        self,
        text: TextFeatures,
        uniform: Tensor,
        sampling: Sampling,
        *,
        empty: TextFeatures | None = None,
        known: Tensor | None = None,
        kept: Tensor | None = None,
        on_step: Callable[[Tensor], None] | None = None,
    ) -> Tensor:
        """Draw the codes of B images.

        Args:
            text: of B captions.
            uniform: (B, *numbers_shape(sampling)) in [0, 1), the random numbers.
            sampling: how the codes are drawn.
            empty: of B empty captions, for guidance.
            known: (B, groups, h, w) codes to keep where `kept` is True.
            kept: (h, w) or (B, h, w) bool.
            on_step: called after each step with the codes so far. Where none is drawn yet, there is
                a 0, or what a parallel prior would draw now.

        Returns:
            (B, groups, h, w) int64.
        """
