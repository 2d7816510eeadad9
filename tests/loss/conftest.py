import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from textgan.discriminator import Discriminator
from textgan.image_encoder import ResNetImageEncoder
from textgan.pretrained.part import Part
from textgan.step import AdversarialStep, ContrastiveStep
from textgan.text_encoder import BertTextEncoder
from textgan.types import DiscriminatorOutput, ImageFeatures, TextFeatures


def text_of(pooled: Tensor) -> TextFeatures:
    words = torch.stack([pooled, -pooled], 1)
    return TextFeatures(words, torch.ones(words.shape[:2], dtype=torch.bool), pooled)


@pytest.fixture
def make_text() -> Callable[[Tensor], TextFeatures]:
    """Pooled features (B, D) -> the features of captions of two words each."""
    return text_of


@pytest.fixture
def output() -> Callable[..., DiscriminatorOutput]:
    """Logits, one an image -> a discriminator's output that says nothing else."""

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


class LinearDiscriminator(Discriminator):
    """D(x, s) = w . x + the first number of s: its gradient is w everywhere."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 48))

    def features(self, images: Tensor) -> list[Tensor]:
        return [images]

    def score(self, features: list[Tensor], text: TextFeatures) -> DiscriminatorOutput:
        logits = features[-1].flatten(1) @ self.weight[:, None] + text.pooled[:, :1]
        return DiscriminatorOutput(logits, text.pooled, text.pooled, features)


@pytest.fixture
def linear() -> LinearDiscriminator:
    return LinearDiscriminator()


@pytest.fixture
def encoders() -> dict[str, Part]:
    """A tiny image encoder for 16 px and a fitted text encoder of its width, by argument."""
    torch.manual_seed(0)
    text_encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    text_encoder.fit_tokenizer(["a red circle", "two green squares", "a b c"])
    image_encoder = ResNetImageEncoder(image_size=16, width=8, base_width=4, max_width=8)
    return {"image_encoder": image_encoder, "text_encoder": text_encoder}


def drawn_text(size: int, draws: torch.Generator) -> TextFeatures:
    """Captions of one to four words; the padding is not zero, and must not matter."""
    mask = torch.arange(4) <= (torch.arange(size) % 4)[:, None]
    words = torch.randn(size, 4, 6, generator=draws)
    return TextFeatures(words, mask, torch.randn(size, 6, generator=draws))


@pytest.fixture
def make_contrastive() -> Callable[..., ContrastiveStep]:
    """Captions, negatives, fields -> a step of one process.

    Features that are not given are drawn: five regions, up to four words, 6 numbers each.
    """

    def make(
        captions: list[str], negatives: list[str] | None = None, **fields: object
    ) -> ContrastiveStep:
        draws, size = torch.Generator().manual_seed(0), len(captions)
        regions = torch.randn(size, 5, 6, generator=draws)
        pooled = torch.randn(size, 6, generator=draws)
        plain = {
            "images": ImageFeatures(regions, pooled),
            "text": drawn_text(size, draws),
            "wrong_text": None if negatives is None else drawn_text(size, draws),
            "progress": 0.0,
            "gather": lambda tensor: tensor,
        }
        return ContrastiveStep(captions=captions, negatives=negatives, **{**plain, **fields})

    return make


@pytest.fixture
def ways() -> Callable[..., tuple[float, float]]:
    """Similarities (N, M), N captions, negatives -> two mean cross-entropies, by loops.

    Of each image over the texts, and of each of the first N texts over the images.
    """

    def nll(own: float, others: list[float]) -> float:
        return math.log(sum(math.exp(each - own) for each in [own, *others]))

    def wrong(one: str, other: str) -> bool:
        return "" not in (one, other) and one != other

    def compute(
        similarity: list[list[float]], captions: list[str], negatives: list[str]
    ) -> tuple[float, float]:
        texts, size = [*captions, *negatives], len(captions)
        images = columns = 0.0
        for i in range(size):
            row = [similarity[i][j] for j in range(len(texts)) if wrong(captions[i], texts[j])]
            column = [similarity[k][i] for k in range(size) if wrong(captions[k], captions[i])]
            images += nll(similarity[i][i], row) / size
            columns += nll(similarity[i][i], column) / size
        return images, columns

    return compute
