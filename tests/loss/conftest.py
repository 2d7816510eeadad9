from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from textgan.discriminator import Discriminator
from textgan.types import AdversarialStep, DiscriminatorOutput, TextFeatures


def text_of(pooled: Tensor) -> TextFeatures:
    words = torch.stack([pooled, -pooled], 1)
    return TextFeatures(words, torch.ones(words.shape[:2], dtype=torch.bool), pooled)


@pytest.fixture
def make_text() -> Callable[[Tensor], TextFeatures]:
    """Pooled features (B, D) -> the features of captions of two words each."""
    return text_of


@pytest.fixture
def output() -> Callable[..., DiscriminatorOutput]:
    """Logits, one a picture -> a critic's output that says nothing else."""

    def make(*logits: float, **others: Tensor) -> DiscriminatorOutput:
        column = torch.tensor(logits)[:, None]
        nothing = torch.zeros(len(logits), 1)
        return DiscriminatorOutput(column, **{"pooled": nothing, "text": nothing, **others})

    return make


@pytest.fixture
def make_step() -> Callable[..., AdversarialStep]:
    """Fields of a step -> the step, in one process; what is not given is plain."""

    def make(**fields: object) -> AdversarialStep:
        size = len(fields.get("captions", "ab"))
        draws = torch.Generator().manual_seed(0)
        plain = {
            "real": torch.zeros(size, 3, 4, 4),
            "captions": [chr(97 + n) for n in range(size)],
            "text": text_of(torch.zeros(size, 2)),
            "images_seen": 0,
            "progress": 0.0,
            "step_index": 0,
            "discriminator": None,
            "randn": lambda shape: torch.randn(shape, generator=draws),
            "gather": lambda tensor: tensor,
        }
        return AdversarialStep(**{**plain, **fields})

    return make


class LinearCritic(Discriminator):
    """D(x, s) = w . x + the first number of s: its gradient is w everywhere."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 48))

    def look(self, images: Tensor) -> list[Tensor]:
        return [images]

    def judge(self, features: list[Tensor], text: TextFeatures) -> DiscriminatorOutput:
        logits = features[-1].flatten(1) @ self.weight[:, None] + text.pooled[:, :1]
        return DiscriminatorOutput(logits, text.pooled, text.pooled, features)


@pytest.fixture
def linear() -> LinearCritic:
    return LinearCritic()
