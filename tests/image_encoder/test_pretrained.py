"""Vision transformers of transformers: equal to their own outputs, saved, and refused."""

import json

import pytest
import torch
import transformers

from textgan.caption.tokenizer import Tokenizer
from textgan.image_encoder import ImageEncoder, PretrainedImageEncoder
from textgan.text_encoder import PretrainedTextEncoder

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "image_size": 16,
    "patch_size": 4,
}
COLOURS = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}
KINDS = {
    "clip_vision_model": transformers.CLIPVisionConfig,
    "siglip_vision_model": transformers.SiglipVisionConfig,
    "dinov2": transformers.Dinov2Config,
    "vit": transformers.ViTConfig,
}


def write(folder, model) -> str:
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(COLOURS))
    return str(folder)


@pytest.fixture(params=[*KINDS, "clip", "siglip"])
def folder(request, tmp_path) -> str:
    """The folder of a small random model of each kind, and of models with a text half."""
    torch.manual_seed(0)
    if request.param in KINDS:
        return write(tmp_path, transformers.AutoModel.from_config(KINDS[request.param](**SMALL)))
    text = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 300}
    text |= {"intermediate_size": 24, "max_position_embeddings": 30, "eos_token_id": 1}
    cls = {"clip": transformers.CLIPConfig, "siglip": transformers.SiglipConfig}[request.param]
    config = cls(text_config=text | {"bos_token_id": 0, "pad_token_id": 2}, vision_config=SMALL)
    return write(tmp_path, transformers.AutoModel.from_config(config))


def make(folder: str, **changes) -> PretrainedImageEncoder:
    torch.manual_seed(1)
    return PretrainedImageEncoder(**{"image_size": 16, "width": 8, "pretrained": folder} | changes)


def images(side: int = 16) -> torch.Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(2)) * 2 - 1


def test_the_tower_says_what_the_model_says_of_normalised_pixels(folder):
    encoder = make(folder).eval()
    whole = transformers.AutoModel.from_pretrained(folder).eval()
    model = getattr(whole, "vision_model", whole)
    mean, std = (torch.tensor(COLOURS[name])[:, None, None] for name in COLOURS)
    with torch.no_grad():
        expected = model(pixel_values=((images() + 1) / 2 - mean) / std)
        pooled, last, maps = encoder.tower(images())
    own = expected.last_hidden_state[:, 0] if whole.config.model_type == "vit" else None
    torch.testing.assert_close(pooled, expected.pooler_output if own is None else own)
    torch.testing.assert_close(last.flatten(2).mT, expected.last_hidden_state[:, -16:])
    assert [tuple(m.shape) for m in maps] == [(2, 16, 4, 4)] * 2
    assert encoder.map_shapes == [(16, 4, 4)] * 2


def test_the_saved_folder_needs_no_other(folder, tmp_path):
    encoder = make(folder).eval()
    encoder.save_pretrained(tmp_path / "saved")
    assert encoder.config()["pretrained"] is None
    assert encoder.referring_config()["pretrained"] == folder
    assert encoder.frozen_prefixes() == ("tower.",)
    again = ImageEncoder.from_pretrained(tmp_path / "saved")
    torch.testing.assert_close(vars(again(images())), vars(encoder(images())))


@pytest.mark.parametrize("side", [8, 24])
def test_another_size_is_a_multiple_of_the_patches(folder, side):
    encoder = make(folder, image_size=side)
    assert [m.shape[-1] for m in encoder(images(side)).maps] == [side // 4] * 2
    with pytest.raises(ValueError, match="image_size must be a multiple of the patch size, 4, got"):
        make(folder, image_size=side + 2)


def test_frozen_it_trains_the_projection_alone(folder):
    encoder = make(folder)
    encoder(images()).pooled.sum().backward()
    assert all(w.grad is None for w in encoder.tower.parameters())
    trained = make(folder, frozen=False)
    trained(images()).pooled.sum().backward()
    assert any(w.grad is not None for w in trained.tower.parameters())


def test_the_text_half_of_clip_is_a_text_encoder(tmp_path):
    torch.manual_seed(0)
    tokenizer = Tokenizer(300, 24)
    tokenizer.fit(["a red circle"] * 2)
    (tmp_path / "own.json").write_bytes(bytes(tokenizer.get_extra_state().tolist()))
    transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(tmp_path / "own.json"), pad_token="<pad>", model_max_length=30
    ).save_pretrained(tmp_path)
    text = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 300}
    text |= {"intermediate_size": 24, "max_position_embeddings": 30, "eos_token_id": 1}
    config = transformers.CLIPConfig(
        text_config=text | {"bos_token_id": 0, "pad_token_id": 2}, vision_config=SMALL
    )
    transformers.CLIPModel(config).save_pretrained(tmp_path)
    encoder = PretrainedTextEncoder(pretrained=str(tmp_path), width=8, max_length=24).eval()
    assert encoder.bert.config.model_type == "clip_text_model"
    one, padded = encoder(["a red circle"]), encoder(["a red circle", "a red circle a red circle"])
    torch.testing.assert_close(one.pooled[0], padded.pooled[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "one of pretrained and architecture must be given, got neither"),
        ({"pretrained": "x", "architecture": {}}, "must be given, got both"),
        ({"architecture": {"model_type": "bert"}}, "must be of the kinds clip, siglip, clip_vis"),
        ({"pretrained": "no/such/folder/at/all"}, "must be a folder or hub name with a vision tr"),
        (
            {"architecture": {"model_type": "vit", **SMALL}, "image_mean": [0.5]},
            r"image_mean and image_std must have three numbers, got \[0.5\]",
        ),
    ],
)
def test_what_does_not_fit_is_a_sentence(arguments, said):
    with pytest.raises(ValueError, match=said):
        PretrainedImageEncoder(image_size=16, width=8, **arguments)


def test_a_text_encoder_is_no_image_encoder(tmp_path):
    config = transformers.BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"must be of the kinds .*; got 'bert'"):
        make(str(tmp_path))
