"""The frozen encoder of a projected discriminator is neither trained nor saved."""

import copy
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor

from textgan.discriminator import Discriminator, ProjectedDiscriminator
from textgan.image_encoder import ResNetImageEncoder
from textgan.pipeline import ContrastivePipeline
from textgan.pretrained.part import build
from textgan.text_encoder import BertTextEncoder
from textgan.types import TextFeatures

YAML = Path(__file__).parents[2] / "conf" / "discriminator" / "projected.yaml"


def resnet(seed: int = 0) -> ResNetImageEncoder:
    torch.manual_seed(seed)
    return ResNetImageEncoder(image_size=16, width=4, base_width=4, max_width=8)


def make(encoder: ResNetImageEncoder | None = None) -> ProjectedDiscriminator:
    encoder = encoder or resnet()
    torch.manual_seed(1)
    sizes = {"text_width": 5, "width": 6, "pixel_width": 4}
    return ProjectedDiscriminator(image_encoder=encoder, **sizes)


def given() -> tuple[Tensor, TextFeatures]:
    torch.manual_seed(2)
    words = torch.randn(4, 1, 5)
    mask = torch.ones(4, 1, dtype=torch.bool)
    return torch.rand(4, 3, 16, 16) * 2 - 1, TextFeatures(words, mask, words[:, 0])


def test_the_encoder_is_neither_trained_nor_saved_and_moves_along():
    encoder = resnet()
    net = make(encoder).train()
    assert net.image_encoder.net is encoder
    assert not any(module.training for module in encoder.modules())
    own = {id(weight) for weight in encoder.parameters()}
    assert not own & {id(weight) for weight in net.parameters()}
    assert not any("image_encoder" in name for name in net.state_dict())
    net.double()
    assert {weight.dtype for weight in encoder.parameters()} == {torch.float64}


def test_training_it_leaves_the_encoder_as_it_was():
    net, (images, text) = make(), given()
    before = {name: tensor.clone() for name, tensor in net.image_encoder.net.state_dict().items()}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(images, text).logits.sum().backward()
    optimizer.step()
    for name, tensor in net.image_encoder.net.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(weight.grad is None for weight in net.image_encoder.net.parameters())


def test_its_relatives_are_known():
    assert make().image_encoder.lineage() == make(resnet()).image_encoder.lineage()
    assert make().image_encoder.lineage() != make(resnet(seed=1)).image_encoder.lineage()


def test_a_copy_judges_the_same_through_an_encoder_of_its_own():
    net, (images, text) = make(), given()
    twin = copy.deepcopy(net)
    assert torch.equal(twin(images, text).logits, net(images, text).logits)
    assert twin.image_encoder.net is not net.image_encoder.net
    assert twin.saved_arguments()["image_encoder"] is twin.image_encoder.net


def test_weights_are_refused_beside_another_encoder():
    with pytest.raises(ValueError, match="image_encoder must be the net that the discriminator"):
        make(resnet(seed=1)).load_state_dict(make().state_dict())


def test_a_moved_discriminator_still_knows_its_encoder():
    again = make()
    again.load_state_dict(make().double().state_dict())


def test_its_config_names_the_encoder_whose_weights_a_saved_folder_lacks(tmp_path):
    net = make()
    config = net.config()
    assert config["image_encoder"] == resnet().config()
    assert isinstance(build(config), ProjectedDiscriminator)
    net.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="image_encoder must be the net that the discriminator"):
        Discriminator.from_pretrained(tmp_path)


def test_its_yaml_takes_the_encoder_out_of_the_folder_of_a_contrastive_run(tmp_path):
    text_encoder = BertTextEncoder(width=4, depth=1, num_heads=2, vocab_size=270)
    text_encoder.fit_tokenizer(["a b c"])
    ContrastivePipeline(resnet(), text_encoder).save_pretrained(tmp_path)
    shared = {"encoders": str(tmp_path), "text_width": 5, "part": OmegaConf.load(YAML)}
    net = instantiate(OmegaConf.create(shared).part)
    images, text = given()
    assert net(images, text).logits.shape == (4, 3)
    expected = resnet()(images).pooled
    torch.testing.assert_close(net.image_encoder(images).pooled, expected, atol=1e-6, rtol=0)
    assert net.image_encoder.lineage() <= ContrastivePipeline(resnet(), text_encoder).lineage()
