"""What every autoencoder of `conf/autoencoder` keeps."""

import pytest
import torch
import yaml
from hydra.utils import instantiate

from textgan.autoencoder import Autoencoder, ConvolutionAutoencoder
from textgan.cli.main import main
from textgan.quantizer import FSQ, GumbelQuantizer, VectorQuantizer

SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}
QUANTIZERS = {
    "continuous": lambda: None,
    "fsq": lambda: FSQ(levels=(4, 4), groups=2),
    "vq": lambda: VectorQuantizer(channels=6, codebook_size=16, groups=2),
    "gumbel": lambda: GumbelQuantizer(channels=6, codebook_size=16, groups=2),
}


def made(kind: str = "continuous", **changes: object) -> ConvolutionAutoencoder:
    torch.manual_seed(0)
    arguments = {"sample_shape": (3, 16, 16), "latent_channels": 5, **SMALL, **changes}
    return ConvolutionAutoencoder(quantizer=QUANTIZERS[kind](), **arguments)


def images(size: int = 16, channels: int = 3, batch: int = 4) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(batch, channels, size, size) * 2 - 1


@pytest.fixture(params=QUANTIZERS)
def kind(request) -> str:
    return request.param


@pytest.mark.parametrize(
    ("words", "quantizer"),
    [
        ([], type(None)),
        (["quantizer=fsq"], FSQ),
        (["quantizer=vq"], VectorQuantizer),
        (["quantizer=gumbel"], GumbelQuantizer),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else value.__name__,
)
def test_the_choices_build_an_autoencoder(words, quantizer, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    size = ["model=autoencoder", "image_size=16", "model.autoencoder.width=8"]
    assert main(["fit", *size, *words, "--cfg", "job", "--resolve"]) == 0
    config = yaml.safe_load(capsys.readouterr().out)["model"]["autoencoder"]
    net = instantiate(config, _convert_="all")
    assert type(net.quantizer) is quantizer
    assert net.decode(net.encode(images()).values).shape == (4, 3, 16, 16)


@pytest.mark.parametrize("downsampling", [4, 8])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_shapes_and_ranges(kind, downsampling, channels):
    net = made(kind, downsampling=downsampling, sample_shape=(channels, 16, 16))
    latents = net.encode(images(channels=channels))
    side = 16 // downsampling
    assert latents.values.shape == (4, *net.latent_shape)
    assert net.latent_shape[1:] == (side, side)
    decoded = net.decode(latents.values)
    assert decoded.shape == (4, channels, 16, 16)
    assert decoded.abs().max() <= 1
    assert (latents.posterior is None) == (kind != "continuous")
    assert (latents.quantized is None) == (kind == "continuous")


def test_images_of_other_sizes_are_encoded_too(kind):
    net = made(kind)
    for shape in ((8, 8), (24, 40)):
        given = torch.rand(2, 3, *shape) * 2 - 1
        latents = net.encode(given)
        assert latents.values.shape[-2:] == (shape[0] // 8, shape[1] // 8)
        assert net.decode(latents.values).shape == given.shape


def test_a_position_does_not_depend_on_distant_ones():
    net = made(downsampling=4).eval()
    whole = images(64, batch=1)
    changed = whole.clone()
    changed[..., 48:] = 1.0
    one, other = (net.encode(given).values for given in (whole, changed))
    assert torch.equal(one[..., :6], other[..., :6])
    assert not torch.equal(one[..., 12:], other[..., 12:])


@pytest.mark.parametrize("kind", ["continuous", "fsq", "vq"])
def test_latents_become_standardised_during_training(kind):
    # gumbel's values are other ones in training, until its temperature is low
    net = made(kind).train()
    for _ in range(30):
        net.encode(images(batch=32))
    values = net.eval().encode(images(batch=32)).values
    assert values.mean((0, 2, 3)).abs().max() < 0.2
    assert (values.std((0, 2, 3)) - 1).abs().max() < 0.2


def test_the_standardisation_changes_no_decoded_image(kind):
    net = made(kind).eval()
    before = net.decode(net.encode(images()).values)
    net.latent_mean.fill_(0.3)
    net.latent_deviation.fill_(2.5)
    torch.testing.assert_close(
        net.decode(net.encode(images()).values), before, atol=1e-5, rtol=1e-5
    )


def test_codes_decode_to_the_reconstruction_and_to_the_latents(kind):
    net = made(kind).eval()
    if kind == "continuous":
        for call in (net.encode_to_codes, net.decode_codes, net.values_of):
            with pytest.raises(TypeError, match="the autoencoder is continuous"):
                call(images())
        return
    latents, codes = net.encode(images()), net.encode_to_codes(images())
    assert torch.equal(codes, latents.quantized.codes)
    torch.testing.assert_close(net.values_of(codes), latents.values, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        net.decode_codes(codes), net.decode(latents.values), atol=1e-5, rtol=1e-5
    )


def test_the_means_of_a_distribution_are_the_image(kind):
    net = made(kind, logit_laplace=True).eval()
    latents = net.encode(images()).values
    image, pixels = net.decode_with_distribution(latents)
    assert torch.equal(image, net.decode(latents))
    assert pixels.mean.shape == pixels.log_scale.shape == image.shape
    plain = made(kind).eval()
    assert plain.decode_with_distribution(plain.encode(images()).values)[1] is None


def test_a_noise_of_zero_is_the_mean_and_any_other_a_sample():
    net, zero = made().eval(), torch.zeros(4, 5, 2, 2)
    plain = net.encode(images())
    assert torch.equal(net.encode(images(), noise=zero).values, plain.values)
    sample = net.encode(images(), noise=zero + 1).values
    expected = plain.posterior.mean + (0.5 * plain.posterior.log_variance).exp()
    torch.testing.assert_close(sample, expected)


def test_all_weights_are_reached(kind):
    net = made(kind)
    torch.manual_seed(3)
    for name, weight in net.named_parameters():
        if "second_conv" in name:  # zero at first, which stops the gradient
            torch.nn.init.normal_(weight, std=0.1)
    latents = net.encode(images(), noise=torch.randn(4, 5, 2, 2))
    total = net.decode(latents.values).square().sum()
    if latents.posterior is not None:
        total = total + latents.posterior.log_variance.square().sum()
    total.backward()
    assert [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_saved_one_is_the_same(kind, tmp_path):
    net = made(kind)
    net.encode(images())
    net.eval().save_pretrained(tmp_path)
    again = Autoencoder.from_pretrained(tmp_path)
    assert torch.equal(again.encode(images()).values, net.encode(images()).values)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"downsampling": 16}, "downsampling must be 4 or 8, got 16"),
        ({"latent_channels": 0}, "latent_channels must be at least 1, got 0"),
        ({"width": 0}, "width must be at least 1, got 0"),
        ({"refine_width": -1}, "refine_width must be at least 0, got -1"),
        ({"sample_shape": (3, 16, 24)}, "sample_shape must be"),
    ],
)
def test_wrong_arguments_are_sentences(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        made(**changes)


def test_wrong_images_are_sentences():
    with pytest.raises(ValueError, match="images must have 3 channels, got 1"):
        made().encode(images(channels=1))
    with pytest.raises(ValueError, match="images must have sides that 8 divides, got 20 x 20"):
        made().encode(images(20))
