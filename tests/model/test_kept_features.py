"""Contrastive training on features of frozen networks, which are computed once."""

from functools import partial

import pytest
import torch
from torch import nn

from textgan.data import Folder
from textgan.image_encoder import EfficientNetImageEncoder
from textgan.loss import InfoNCE
from textgan.model import ContrastiveModel
from textgan.text_encoder import BertTextEncoder
from textgan.training.budget import Budget


@pytest.fixture
def model():
    """Makes the same model with a frozen random tower."""

    def make(**changes) -> ContrastiveModel:
        torch.manual_seed(0)
        return ContrastiveModel(
            image_encoder=EfficientNetImageEncoder(image_size=32, width=8, dropout=0.1, **changes),
            text_encoder=BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270),
            losses={"info_nce": InfoNCE()},
            optimizer=partial(torch.optim.Adam, lr=1e-3),
            budget=Budget(total_images=24),
        )

    return make


@pytest.fixture
def calls(monkeypatch):
    """The number of images of each call of `states`."""
    found, states = [], EfficientNetImageEncoder.states

    def counted(self, images):
        found.append(len(images))
        return states(self, images)

    monkeypatch.setattr(EfficientNetImageEncoder, "states", counted)
    return found


def weights(model: nn.Module) -> dict:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_kept_features_train_as_pixels_do(fitted, model, colours, monkeypatch, calls):
    kept = weights(fitted(model(), colours()))
    assert calls == [8, 8]  # each image, and its mirror image
    monkeypatch.setattr(Folder, "keep_features", lambda *_: False)
    torch.testing.assert_close(kept, weights(fitted(model(), colours())), atol=1e-4, rtol=1e-3)
    assert calls == [8, 8]


def test_a_second_run_reads_them_from_the_disk_and_is_bitwise_the_first(
    fitted, model, colours, calls
):
    first, second = (weights(fitted(model(), colours())) for _ in range(2))
    assert calls == [8, 8]
    torch.testing.assert_close(first, second, atol=0, rtol=0)


@pytest.mark.parametrize("changes", [{"crop": "random"}, {"cache": False}])
def test_where_images_change_or_are_too_many_nothing_is_kept(
    fitted, model, colours, calls, changes
):
    fitted(model(), colours(**changes))
    assert calls == []


def test_a_trained_tower_sees_pixels(fitted, model, colours, calls):
    trained = fitted(model(frozen=False), colours())
    assert calls == []
    assert not torch.equal(
        trained.image_encoder.tower.head.convolution.weight,
        model().image_encoder.tower.head.convolution.weight,
    )


def test_evaluations_have_pixels(model, colours):
    folder = colours()
    assert folder.keep_features(lambda images: images.mean((2, 3)), "mean")
    assert folder.dataset("train").__getitems__([(0, 0)]).images.shape == (1, 3)
    assert folder.still("train").__getitems__([(0, 0)]).images.shape == (1, 3, 32, 32)


def test_the_mirror_image_has_features_of_its_own(colours):
    folder = colours()
    folder.keep_features(lambda images: images[..., 0, :1].mean(1), "left column")
    train = folder.dataset("train")
    shown = {float(train.__getitems__([(place, 0)]).images) for place in range(20)}
    assert len(shown) == 2
