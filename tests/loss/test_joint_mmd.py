from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from textgan.image_encoder import ImageEncoder
from textgan.loss import JointMMD
from textgan.text_encoder import TextEncoder
from textgan.types import Batch, ImageFeatures, TextFeatures


class Pixels(ImageEncoder):
    """An encoder with one map, the image."""

    def __init__(self):
        super().__init__()
        self.image_size, self.channels, self.width = 2, 3, 3
        self.map_shapes = [(3, 2, 2)]
        self.scale = torch.nn.Parameter(torch.ones(()))

    def encode(self, images: Tensor) -> ImageFeatures:
        x = images * self.scale
        return ImageFeatures(x.flatten(2).mT, x.mean((2, 3)), [x])


class Letters(TextEncoder):
    """A word for each of the letters a, b and c."""

    width, is_fitted = 3, True

    def fit_tokenizer(self, captions):
        raise NotImplementedError

    def check_lengths(self, captions):
        raise NotImplementedError

    def spans(self, captions):
        raise NotImplementedError

    def forward(self, captions: list[str]) -> TextFeatures:
        rows = [[(letter == c) * 1.0 for c in "abc"] for letter in captions]
        words = torch.tensor(rows)[:, None]  # (B, 1, 3)
        return TextFeatures(words, torch.ones(len(captions), 1, dtype=torch.bool), words[:, 0])


def images(count: int, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return torch.rand(count, 3, 2, 2) * 2 - 1


def made(real: Tensor, captions: list[str], **arguments) -> JointMMD:
    term = JointMMD(image_encoder=Pixels(), text_encoder=Letters(), **arguments)
    term.prepare(
        lambda limit: iter(
            [
                Batch(real[i : i + 2], captions[i : i + 2], torch.arange(len(real[i : i + 2])))
                for i in range(0, min(limit, len(real)), 2)
            ]
        ),
        shown=False,
    )
    return term


@pytest.fixture
def loss(make_step) -> Callable[..., Tensor]:
    def compute(term: JointMMD, fake: Tensor, captions: list[str]) -> Tensor:
        text = Letters()(captions)
        step = make_step(fake=fake, real=fake, captions=captions, text=text)
        return term.generator_loss(step)

    return compute


def test_with_every_pair_as_a_landmark_it_is_the_mmd_by_loops(loss):
    real, captions, fake, own = images(6), [*"aabbcc"], images(3, seed=1), [*"abc"]

    def median(features: Tensor) -> float:
        distances = [(features[i] - features[j]).norm().item() for i in range(6) for j in range(i)]
        return sorted(d for d in distances if d > 0)[
            (len([d for d in distances if d > 0]) - 1) // 2
        ]

    one_hot = dict(zip("abc", torch.eye(3), strict=True))
    by_image, by_text = median(real.flatten(1)), median(torch.stack([one_hot[c] for c in captions]))

    def kernel(x: Tensor, a: str, y: Tensor, b: str) -> float:
        square = ((x - y).norm() / by_image) ** 2 + (
            (one_hot[a] - one_hot[b]).norm() / by_text
        ) ** 2
        return sum(torch.exp(-square / (2 * h**2)).item() for h in (0.3, 1.0)) / 2

    fakes, reals = [*zip(fake, own, strict=True)], [*zip(real, captions, strict=True)]
    among = sum(kernel(*p, *q) for p in fakes for q in fakes if p is not q) / 6
    near = sum(kernel(*p, *q) for p in fakes for q in reals) / 18
    constant = sum(kernel(*p, *q) for p in reals for q in reals) / 36
    term = made(real, captions, bandwidths=(0.3, 1.0))
    expected = (among - 2 * near + constant) / constant
    assert loss(term, fake, own).item() == pytest.approx(expected, abs=1e-3)


def test_it_is_least_for_images_of_the_own_captions(loss):
    real, captions = images(12), [*"aaaabbbbcccc"]
    term = made(real, captions)
    right = loss(term, real, captions)
    exchanged = loss(term, real.roll(4, 0), captions)
    alike = loss(term, real[:1].expand(12, -1, -1, -1), captions)
    far = loss(term, images(12, seed=9), captions)
    assert right < min(exchanged, alike, far)


def test_few_landmarks_are_near_the_exact_value(loss):
    centres = images(8)
    real = (centres.repeat(25, 1, 1, 1) + 0.02 * images(200, seed=1)).clamp(-1, 1)
    captions = [*"abcabcab"] * 25
    fake, own = images(16, seed=2), [*"abca"] * 4
    exact = loss(made(real, captions, landmarks=200), fake, own)
    few = loss(made(real, captions, landmarks=16), fake, own)
    assert few.item() == pytest.approx(exact.item(), abs=0.05)


def test_its_gradient_leads_to_the_training_images(loss):
    real, captions = images(6), [*"aabbcc"]
    term = made(real, captions)
    fake = torch.zeros(6, 3, 2, 2, requires_grad=True)
    optimizer = torch.optim.Adam([fake], lr=0.05)
    first = loss(term, fake, captions).item()
    for _ in range(200):
        optimizer.zero_grad()
        value = loss(term, fake, captions)
        value.backward()
        optimizer.step()
    assert value.item() < 0.2 * first
    assert all(parameter.grad is None for parameter in term.image_encoder.net.parameters())


def test_a_dropped_caption_does_not_count(loss):
    term = made(images(6), [*"aabbcc"])
    fake = images(4, seed=1)
    with_dropped = loss(term, fake, ["a", "b", "", "c"])
    without = loss(term, fake[[0, 1, 3]], ["a", "b", "c"])
    torch.testing.assert_close(with_dropped, without)
    assert loss(term, fake, ["a", "", "", ""]) is None


def test_at_most_the_asked_number_of_images_is_read():
    asked = []
    term = JointMMD(image_encoder=Pixels(), text_encoder=Letters(), references=4)
    batch = Batch(images(4), [*"abca"], torch.arange(4))
    term.prepare(lambda limit: (asked.append(limit), iter([batch]))[1], shown=False)
    assert asked == [4]


def test_a_step_before_the_images_are_read_is_refused(loss):
    term = JointMMD(image_encoder=Pixels(), text_encoder=Letters())
    with pytest.raises(RuntimeError, match="must be prepared with training images"):
        loss(term, images(2), [*"ab"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"bandwidths": ()}, "bandwidths must be positive numbers"),
        ({"bandwidths": (0.5, 0)}, "bandwidths must be positive numbers"),
        ({"landmarks": 1}, "landmarks must be at least 2, got 1"),
        ({"references": 1}, "references must be at least 2, got 1"),
        ({"grid": 0}, "grid must be at least 1, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        JointMMD(image_encoder=Pixels(), text_encoder=Letters(), **arguments)
