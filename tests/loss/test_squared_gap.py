import pytest
import torch

from textgan.loss import SquaredGap
from textgan.types import ImageFeatures


@pytest.fixture
def loss(make_contrastive, make_text):
    """Images, texts, captions -> the value of the term."""

    def make(images: list, texts: list, captions: str, **others) -> torch.Tensor:
        images, texts = torch.tensor(images), torch.tensor(texts)
        step = make_contrastive(
            [*captions],
            images=ImageFeatures(images[:, None], images),
            text=make_text(texts),
            **others,
        )
        return SquaredGap()(step)

    return make


def test_it_is_the_mean_squared_gap_with_its_sign_turned(loss):
    # Cosines of the images with the captions a, b: 1, 0 and 0.6, 0.8.
    value = loss([[2.0, 0.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 5.0]], "ab")
    of_captions, of_images = [1 - 0.6, 0.8 - 0], [1 - 0, 0.8 - 0.6]
    assert value.item() == pytest.approx(-sum(g**2 for g in of_captions + of_images) / 4)


def test_hard_negatives_are_wrong_for_images(make_contrastive, make_text):
    step = make_contrastive(
        [*"ab"],
        [*"cd"],
        images=ImageFeatures(torch.eye(2)[:, None], torch.eye(2)),
        text=make_text(torch.eye(2)),
        wrong_text=make_text(torch.tensor([[0.6, 0.8], [1.0, 0.0]])),
    )
    of_images = [1 - 0, 1 - 0.6, 1 - 1, 1 - 0, 1 - 0.8, 1 - 0]  # the caption of the other, c, d
    expected = sum(gap**2 for gap in of_images) / 6 / 2 + 1 / 2
    assert SquaredGap()(step).item() == pytest.approx(-expected)


def test_an_image_of_the_same_caption_is_not_wrong(loss):
    images = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]
    value = loss(images, [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "aab")
    of_captions = [1 - 0.6, 0 - 0.6, 0.8 - 0, 0.8 - 1]  # each a with b's image; b with a's two
    of_images = [1 - 0, 0 - 1, 0.8 - 0.6, 0.8 - 0.6]  # each a's image with b; b's with both a
    assert value.item() == pytest.approx(-sum(g**2 for g in of_captions + of_images) / 8)


def test_equal_features_and_a_batch_of_one_caption_cost_nothing(loss):
    assert loss([[1.0, 0.0]] * 2, [[1.0, 1.0]] * 2, "ab").item() == 0
    assert loss([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0]] * 2, "aa").item() == 0


@pytest.mark.parametrize(("ahead", "direction"), [(0.6, -1), (-0.6, 1)])
def test_the_gap_grows_in_the_direction_that_it_has(make_contrastive, make_text, ahead, direction):
    images = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    text = torch.tensor([[0.8 if ahead > 0 else 0.2, 0.2 if ahead > 0 else 0.8], [0.0, 1.0]])
    text.requires_grad_()
    step = make_contrastive(
        [*"ab"], images=ImageFeatures(images[:, None], images), text=make_text(text)
    )
    SquaredGap()(step).backward()
    assert torch.sign(text.grad[0, 0]) == direction  # a step against it changes the similarity
