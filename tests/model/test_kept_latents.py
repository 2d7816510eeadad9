"""Training on the latents and codes of a frozen autoencoder, which are computed once."""

from functools import partial

import pytest
import torch
from torch import nn

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.data import Folder
from textgan.discriminator import ProjectionDiscriminator
from textgan.errors import ConfigError
from textgan.generator import AttentionGenerator
from textgan.model import GANModel, TokenPriorModel
from textgan.posterior import ConvolutionPosterior
from textgan.prior import GPTPrior
from textgan.quantizer import FSQ
from textgan.text_encoder import BertTextEncoder
from textgan.training.budget import Budget

SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}
LATENT = {"sample_shape": (5, 8, 8), "text_width": 8, "width": 4, "max_width": 8}


def autoencoder(**changes: object) -> ConvolutionAutoencoder:
    torch.manual_seed(0)
    arguments = {"sample_shape": (3, 32, 32), "downsampling": 4, "latent_channels": 5, **SMALL}
    return ConvolutionAutoencoder(**{**arguments, **changes})


def text_encoder() -> BertTextEncoder:
    return BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)


@pytest.fixture
def latent_gan(model):
    def make() -> GANModel:
        generator = {"noise_width": 3, "style_width": 8, "word_resolutions": [8]}
        return model(
            autoencoder=autoencoder(),
            generator=AttentionGenerator(**LATENT, **generator, bounded=False),
            discriminator=ProjectionDiscriminator(**LATENT),
            posterior=ConvolutionPosterior(**LATENT, noise_width=3),
            total_images=24,
        )

    return make


@pytest.fixture
def token_prior():
    def make(image_size: int = 32) -> TokenPriorModel:
        torch.manual_seed(0)
        return TokenPriorModel(
            autoencoder=autoencoder(
                sample_shape=(3, image_size, image_size), quantizer=FSQ(levels=(4, 4))
            ),
            prior=partial(GPTPrior, text_width=8, width=16, depth=1, num_heads=2),
            text_encoder=text_encoder(),
            optimizer=partial(torch.optim.Adam, lr=1e-3),
            budget=Budget(total_images=24),
        )

    return make


@pytest.fixture
def encoded(monkeypatch):
    """The number of images of each call of `encode`."""
    found, encode = [], ConvolutionAutoencoder.encode

    def counted(self, images, **options):
        found.append(len(images))
        return encode(self, images, **options)

    monkeypatch.setattr(ConvolutionAutoencoder, "encode", counted)
    return found


def weights(model: nn.Module) -> dict:
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize(
    ("kind", "precision"),
    [("latent_gan", "64-true"), ("token_prior", "64-true"), ("token_prior", "bf16-true")],
)
def test_encodings_are_kept_in_other_precisions(
    kind, precision, request, trainer, colours, encoded
):
    make = request.getfixturevalue(kind)
    trainer(enable_checkpointing=False, precision=precision).fit(make(), colours())
    assert encoded == [8, 8]


@pytest.mark.parametrize("kind", ["latent_gan", "token_prior"])
def test_kept_encodings_train_as_pixels_do(kind, request, fitted, colours, encoded, monkeypatch):
    make = request.getfixturevalue(kind)
    kept = weights(fitted(make(), colours()))
    assert encoded == [8, 8]  # each image, and its mirror image
    again = weights(fitted(make(), colours()))
    assert encoded == [8, 8]  # they were read from the disk
    torch.testing.assert_close(again, kept, atol=0, rtol=0)
    monkeypatch.setattr(Folder, "keep_features", lambda *_: False)
    pixels = weights(fitted(make(), colours()))
    assert encoded == [8, 8, *[4] * 6]
    torch.testing.assert_close(kept, pixels, atol=1e-4, rtol=1e-3)


def test_evaluation_sees_pixels(fitted, token_prior, colours):
    data = colours()
    fitted(token_prior(), data)
    assert next(iter(data.still_batches("train"))).images.shape[1:] == (3, 32, 32)
    assert data.dataset("train").__getitems__([(0, 0)]).images.shape == (1, 1, 8, 8)


def test_endless_data_is_encoded_batch_by_batch(fitted, latent_gan, data, encoded):
    fitted(latent_gan(), data(image_size=32))
    assert set(encoded) == {4}


def test_images_of_another_size_are_a_sentence(fitted, token_prior, colours):
    with pytest.raises(ConfigError, match="image_size must be that of the autoencoder, 16"):
        fitted(token_prior(16), colours())
