"""CLIP as a judge: it agrees with transformers' own reading, and with torchmetrics' CLIPScore."""

import json
import shutil
import subprocess
import sys
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor, nn
from torchmetrics.multimodal.clip_score import CLIPScore

from textgan.errors import MissingWeightsError
from textgan.image import from_uint8, to_pil
from textgan.judge.clip import CLIP, image_processor_class
from textgan.metric.text_image_similarity import TextImageSimilarity
from textgan.types import Evaluation

CAPTIONS = ["a red dot", "", "blue", "Ünïcödé 点"]
LETTERS = sorted(ByteLevel.alphabet())
TOKENS = [*LETTERS, *(letter + "</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
VOCABULARY = {token: place for place, token in enumerate(TOKENS)}
BEGIN, END = len(TOKENS) - 2, len(TOKENS) - 1
LENGTH = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    """A random CLIP, its tokenizer and its preprocessor, as they lie on the hub."""
    folder = tmp_path_factory.mktemp("clip")
    small = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    ids = {"bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": END}
    text = {**small, **ids, "vocab_size": len(TOKENS), "max_position_embeddings": LENGTH}
    vision = {**small, "image_size": 16, "patch_size": 8}
    torch.manual_seed(0)
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)
    transformers.CLIPModel(config).save_pretrained(folder)
    tokenizer = transformers.CLIPTokenizer(vocab=VOCABULARY, merges=[], model_max_length=LENGTH)
    tokenizer.save_pretrained(folder)
    preprocessor().save_pretrained(folder)
    return str(folder)


def preprocessor(**said) -> Any:
    crop = {"height": 16, "width": 16}
    return image_processor_class()(**{"size": {"shortest_edge": 18}, "crop_size": crop, **said})


@pytest.fixture(scope="module")
def judge(folder) -> CLIP:
    judge = CLIP(folder)
    judge.load()
    return judge


def copied(folder: str, tmp_path) -> str:
    return shutil.copytree(folder, tmp_path / "copy")


def pictures(n: int, height: int, width: int) -> Tensor:
    """Smooth enough that resizing keeps something of them: (n, 3, height, width) uint8."""
    generator = torch.Generator().manual_seed(height * width)
    coarse = torch.rand(n, 3, height // 4 + 1, width // 4 + 1, generator=generator) * 255
    return nn.functional.interpolate(coarse, (height, width), mode="bilinear").to(torch.uint8)


@pytest.mark.parametrize("size", [(18, 18), (12, 12), (64, 64), (50, 37), (20, 90)], ids=str)
def test_images_are_read_as_the_models_own_preprocessor_does_but_for_rounding(judge, size):
    images = pictures(3, *size)
    asked = [to_pil(from_uint8(image)) for image in images]
    expected = preprocessor()(asked, return_tensors="pt")["pixel_values"]
    std = torch.tensor(judge.preprocessing.std).view(3, 1, 1)
    difference = 255 * std * (judge.preprocessing(images) - expected).abs()
    assert difference.max() < 2.01
    assert (difference > 0.5).double().mean() < 0.02


def test_an_image_of_the_models_size_is_only_cropped_and_normalised(judge):
    images = pictures(1, 18, 18)
    mean, std = (
        torch.tensor(x).view(3, 1, 1) for x in (judge.preprocessing.mean, judge.preprocessing.std)
    )
    middle = images[..., 1:17, 1:17].float() / 255
    torch.testing.assert_close(judge.preprocessing(images), (middle - mean) / std)


def test_encodings_are_those_of_transformers(judge, folder):
    model = transformers.CLIPModel.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    images = pictures(3, 18, 18)
    tokens = tokenizer(CAPTIONS, padding=True, return_tensors="pt")
    pixels = preprocessor()([to_pil(from_uint8(x)) for x in images], return_tensors="pt")
    with torch.no_grad():
        expected = model(**tokens, **pixels)
    for ours, theirs in (
        (judge.encode_texts(CAPTIONS), expected.text_embeds),
        (judge.encode_images(from_uint8(images)), expected.image_embeds),
    ):
        unit = nn.functional.normalize(ours)
        torch.testing.assert_close(unit, theirs, atol=1e-5, rtol=0)


def test_what_stands_beside_it_changes_no_encoding(judge):
    alone = torch.cat([judge.encode_texts([caption]) for caption in CAPTIONS])
    torch.testing.assert_close(judge.encode_texts(CAPTIONS), alone, atol=1e-5, rtol=0)


def test_a_long_caption_is_cut_and_keeps_its_end(judge):
    ids = torch.tensor([[BEGIN, *[VOCABULARY["x"]] * (LENGTH - 2), END]])
    with torch.no_grad():
        expected = judge.model.get_text_features(input_ids=ids).pooler_output
    torch.testing.assert_close(judge.encode_texts(["x" * 100]), expected, atol=1e-5, rtol=0)


def test_gray_is_repeated_transparency_is_white_and_beyond_white_is_white(judge):
    white = judge.encode_images(torch.ones(1, 3, 20, 20))
    clear = torch.cat([torch.zeros(1, 3, 20, 20), torch.full((1, 1, 20, 20), -1.0)], 1)
    for same in (torch.ones(1, 1, 20, 20), clear, torch.full((1, 3, 20, 20), 1.5)):
        torch.testing.assert_close(judge.encode_images(same), white)


def test_it_is_frozen_and_stays_in_eval_mode(judge):
    judge.train()
    assert not any(module.training for module in judge.modules())
    assert not any(parameter.requires_grad for parameter in judge.parameters())
    assert not judge.encode_texts(["x"]).requires_grad


def test_its_lineage_is_a_hash_of_the_weights_wherever_they_lie(judge, folder, tmp_path):
    other = copied(folder, tmp_path)
    assert CLIP(str(other)).lineage() == judge.lineage()
    assert [len(digest) for digest in judge.lineage()] == [64]
    weights = load_file(other / "model.safetensors")
    weights["logit_scale"] += 1
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    assert CLIP(str(other)).lineage().isdisjoint(judge.lineage())


def test_its_protocol_is_json_and_says_not_where_it_lay(judge, folder):
    protocol = judge.protocol()
    assert folder not in json.dumps(protocol)
    assert {protocol["weights"]} == judge.lineage()
    assert (protocol["max_tokens"], protocol["shortest"], protocol["side"]) == (16, 18, 16)
    assert protocol["mode"] == "bicubic"


def test_construction_reads_nothing_and_none_is_missing():
    CLIP("/no/such/folder")
    with pytest.raises(MissingWeightsError, match="the argument pretrained must name"):
        CLIP(None).load()


@pytest.mark.parametrize("lost", ["all", "preprocessor_config.json", "tokenizer.json"])
def test_a_wrong_folder_is_one_sentence(folder, tmp_path, lost):
    other = copied(folder, tmp_path)
    for file in other.iterdir() if lost == "all" else [other / lost]:
        file.unlink()
    with pytest.raises(ValueError, match=r"^pretrained must be a (folder|complete CLIP)") as error:
        CLIP(str(other)).load()
    assert "\n" not in str(error.value)


def test_a_tokenizer_that_fails_at_captions_is_refused_at_loading(folder, tmp_path):
    other = copied(folder, tmp_path)
    said = json.loads((other / "tokenizer.json").read_text())
    said["normalizer"] = {"type": "Prepend", "prepend": ""}
    (other / "tokenizer.json").write_text(json.dumps(said))
    file = other / "tokenizer_config.json"
    config = json.loads(file.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    file.write_text(json.dumps(config))
    with pytest.raises(ValueError, match="has a tokenizer that cannot be used: the tokenizer fail"):
        CLIP(str(other)).load()


def test_weights_that_are_not_whole_are_refused(folder, tmp_path):
    other = copied(folder, tmp_path)
    weights = load_file(other / "model.safetensors")
    del weights["text_projection.weight"]
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"CLIP, but .* lacks \['text_projection.weight'\]"):
        CLIP(str(other)).load()


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"do_center_crop": False}, "must crop to 16 x 16 pixels"),
        ({"size": {"height": 16, "width": 16}}, "must resize by the shortest edge, to at least 16"),
        ({"size": {"shortest_edge": 12}}, "must resize by the shortest edge, to at least 16"),
        ({"resample": 0}, r"must resample bicubically \(3\) or bilinearly \(2\)"),
        ({"rescale_factor": 1.0}, "must rescale by 1 / 255"),
        ({"do_normalize": False}, "must normalise"),
    ],
    ids=str,
)
def test_a_preprocessor_that_would_be_misread_is_refused(folder, tmp_path, said, rule):
    other = copied(folder, tmp_path)
    preprocessor(**said).save_pretrained(other)
    with pytest.raises(ValueError, match=rule):
        CLIP(str(other)).load()


class Projected(nn.Module):
    """transformers 5 returns features inside an output, which torchmetrics does not expect."""

    def __init__(self, model: transformers.CLIPModel):
        super().__init__()
        self.model, self.config = model, model.config

    def get_image_features(self, pixel_values):
        return self.model.get_image_features(pixel_values).pooler_output

    def get_text_features(self, input_ids, attention_mask):
        return self.model.get_text_features(input_ids, attention_mask).pooler_output


@pytest.mark.parametrize("sign", [1, -1])
def test_text_image_similarity_is_the_clip_score_of_torchmetrics(folder, judge, sign):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    processor = transformers.CLIPProcessor(preprocessor(), tokenizer)
    model = transformers.CLIPModel.from_pretrained(folder)
    reference = CLIPScore(lambda: (Projected(model), processor))
    images = pictures(4, 18, 18)
    cosines = nn.functional.cosine_similarity(
        judge.encode_images(from_uint8(images)), judge.encode_texts(CAPTIONS)
    )
    rows = [n for n in range(4) if sign * cosines[n] > 0]  # the clamp is seen from either side
    images, captions = images[rows], [CAPTIONS[n] for n in rows]
    assert captions
    metric = TextImageSimilarity(judge, name="clip_score", scale=100.0)
    reference.update(images, captions)
    metric.update(Evaluation(captions, None, from_uint8(images)[:, None]))
    expected = float(reference.compute())
    assert (expected > 1) == (sign > 0)
    assert metric.compute()["clip_score"] == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.slow
def test_torchvision_is_not_imported(folder):
    code = (
        "import sys; sys.modules['torchvision'] = None\n"
        "from textgan.judge.clip import CLIP\n"
        "CLIP(sys.argv[1]).load()"
    )
    subprocess.run([sys.executable, "-c", code, folder], check=True)
