"""An untrusted folder runs no code, reads no other files, and takes little memory and time.

Each folder is a good one with one thing changed.
"""

import builtins
import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from textgan.generator import AttentionGenerator
from textgan.image_encoder import ResNetImageEncoder
from textgan.pipeline import ContrastivePipeline, GANPipeline
from textgan.pretrained.part import Part
from textgan.text_encoder import BertTextEncoder, FrozenTextEncoder, PretrainedTextEncoder

CAPTIONS = ["a red circle", "two blue squares"]
START = "generator.start.bias"
VOCABULARY = "text_encoder.tokenizer._extra_state"


def steps_of(role: str, steps: list[dict]) -> dict:
    return {"type": "Sequence", role: steps}


def steps(kind: str, count: int, **options: object) -> dict:
    """Equal steps of a tokenizer's normalizer, one after the other."""
    return steps_of("normalizers", [{"type": kind, **options}] * count)


def bomb(**changes: dict) -> Callable[[dict], None]:
    return lambda tokenizer: tokenizer.update(changes)


def doubling(template: dict) -> dict:
    """A tokenizer's post-processor that has each caption twice."""
    return template | {"single": 2 * template["single"]}


def pipeline(encoder: BertTextEncoder | FrozenTextEncoder) -> GANPipeline:
    torch.manual_seed(0)
    generator = AttentionGenerator(
        sample_shape=(3, 16, 16), text_width=8, noise_width=4, width=4, max_width=8
    )
    return GANPipeline(generator, encoder).eval()


def bert() -> BertTextEncoder:
    torch.manual_seed(0)
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270, max_length=24)
    encoder.fit_tokenizer(CAPTIONS)
    return encoder


@pytest.fixture
def folder(tmp_path) -> Path:
    """A good saved pipeline."""
    pipeline(bert()).save_pretrained(tmp_path / "folder")
    return tmp_path / "folder"


@pytest.fixture
def configure(folder) -> Callable[..., None]:
    """Set values in its config, each at a place such as "generator.width"."""

    def change(values: dict[str, object]) -> None:
        file = folder / "config.json"
        header = json.loads(file.read_text())
        for place, value in values.items():
            *above, last = place.split(".")
            inside = header["part"]
            for name in above:
                inside = inside[name]
            inside[last] = value
        file.write_text(json.dumps(header))

    return change


@pytest.fixture
def reweigh(folder) -> Callable[[Callable[[dict], object]], None]:
    """Change its tensors."""

    def change(how: Callable[[dict], object]) -> None:
        tensors = load_file(folder / "model.safetensors")
        how(tensors)
        save_file(tensors, folder / "model.safetensors")

    return change


@pytest.fixture
def refused(folder, costs_little) -> Callable[[str], None]:
    """Loading it is one sentence, and takes little time and memory."""
    loaders = [(cls, "from_pretrained") for cls in (AutoModel, AutoTokenizer)]

    def check(message: str) -> None:
        raises = pytest.raises((ValueError, FileNotFoundError), match=message)
        with costs_little((builtins, "input"), *loaders), raises as caught:
            Part.from_pretrained(folder)
        assert len(str(caught.value).splitlines()) == 1
        assert len(str(caught.value)) < 1200

    return check


def test_good_folders_sample_as_before(tmp_path):
    architecture = {"model_type": "distilbert", "vocab_size": 270}
    architecture |= {"dim": 24, "n_layers": 1, "n_heads": 2}
    whole = PretrainedTextEncoder(width=8, architecture=architecture, max_length=24)
    whole.tokenizer.load_state_dict(bert().tokenizer.state_dict())
    for encoder in (bert(), whole, FrozenTextEncoder(bert())):
        made = pipeline(encoder)
        made.save_pretrained(tmp_path)
        again = GANPipeline.from_pretrained(tmp_path)
        pixels = made(CAPTIONS, output_type="pt").images
        assert torch.equal(again(CAPTIONS, output_type="pt").images, pixels)
        assert again.config() == made.config()
    torch.manual_seed(0)
    images = ResNetImageEncoder(image_size=16, width=8, base_width=4, max_width=8)
    pair = ContrastivePipeline(images, bert()).eval()
    pair.save_pretrained(tmp_path)
    again = ContrastivePipeline.from_pretrained(tmp_path)
    assert torch.equal(again.similarity(pixels, CAPTIONS), pair.similarity(pixels, CAPTIONS))


@pytest.mark.parametrize(
    "target",
    [
        *("os.system", "builtins.eval", "subprocess.Popen", "torch.load", "textgan.cli.main.main"),
        *("textgan.pretrained.part.build", "textgan.pretrained.part.importlib.import_module"),
        *("textgan/../../x", "../textgan.cli.main", "textgan.__main__"),
        *("textgan.pretrained.hub.HfApi", "textgan.text_encoder.base.TextEncoder"),
        *("textgan.pipeline.gan.GANPipeline.from_pretrained", "textgan.generator.Generator", ""),
        *("textgan.model.gan.GANModel", "textgan.judge.clip.CLIP", None, 3, ["os"], {}),
        *("torch.nn.Linear", "textgan", "textgan.pretrained.part.Path", "textgan.nothing.Here"),
        *("textgan.pretrained.part.Nothing", "textgan..pretrained.Part"),
    ],
)
def test_no_class_but_a_part_is_built(configure, refused, target):
    configure({"_target_": target})
    refused("_target_ must")
    configure({"_target_": "textgan.pipeline.gan.GANPipeline", "generator": {"_target_": target}})
    refused("_target_ must")
    configure({"generator": [{"_target_": target}]})
    refused("_target_ must")


@pytest.mark.parametrize("name", ["../../x", "bert-base-uncased", "evil/model", "package:os/x", ""])
def test_other_weights_are_not_named(configure, refused, name):
    configure({"text_encoder.pretrained": name})
    refused(f"no weights but its own, got part.text_encoder.pretrained = '{name}")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("auto_map", {"AutoModel": "evil/model--run.Model"}),
        ("trust_remote_code", True),
        ("_name_or_path", "evil/model"),
        ("attn_implementation", "evil/kernel"),
        ("_attn_implementation", "evil/kernel"),
        ("_experts_implementation_internal", "evil/kernel"),
        ("quantization_config", {"quant_method": "awq"}),
        ("backbone", "evil/model"),
        ("use_pretrained_backbone", True),
    ],
)
def test_an_architecture_names_no_code_and_no_weights(configure, refused, key, value):
    configure({"text_encoder.architecture": {"model_type": "bert", key: value}})
    refused(f"must name no code and no .*, got part.text_encoder.architecture.{key}")


@pytest.mark.parametrize(
    "kind", ["perception_lm", "detr", "timm_wrapper", "llama", "../bert", None, 3, ["bert"], {}]
)
def test_an_architecture_is_an_encoder_of_text(configure, refused, kind):
    configure({"text_encoder.architecture": {"model_type": kind, "backbone_config": None}})
    refused("must have an architecture of the kinds albert, bert, .*; got ")


@pytest.mark.parametrize(
    "architecture",
    [
        [], "bert", 3,
        {"_target_": "textgan.caption.tokenizer.Tokenizer", "model_type": "bert"},
        {"model_type": "bert", "hidden_act": "os.system"},
        {"model_type": "bert", "hidden_size": "big"},
        {"model_type": "bert", "num_attention_heads": 0},
        {"model_type": "bert", "get_text_config": "shadowed", "to_dict": 3},
        {"model_type": "roberta", "pad_token_id": 10**6},
        {"model_type": "modernbert", "layer_types": ["nothing"]},
    ],
)  # fmt: skip
def test_an_architecture_that_makes_no_sense_is_a_sentence(configure, refused, architecture):
    configure({"text_encoder.architecture": architecture})
    refused("config.json ")


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("generator.width", 10**9, r"whole numbers of at most 1,048,576, got part.generator.width"),
        ("generator.width", 10**4000, "whole numbers of at most"),
        ("generator.width", -(10**9), "whole numbers of at most"),
        ("generator.width", 10**6, "needs far more than the file|does not fit its config"),
        ("generator.style_width", 10**6, "needs far more than the file of its weights holds"),
        ("generator.noise_width", 10**6, "needs far more than the file of its weights holds"),
        ("generator.num_heads", 0, "config.json cannot be built"),
        ("generator.sample_shape", [3, 10**6, 10**6], "image_size that is a multiple of 8"),
        ("generator.sample_shape", [10**6, 8, 8], "if bounded is true"),
        ("generator.sample_shape", [], "sample_shape must be .*, got "),
        ("generator.width", "4", "width must be int, got '4'"),
        ("generator.width", 4.0, "width must be int, got 4.0"),
        ("generator.width", True, "width must be int, got True"),
        ("generator.width", [4] * 1000, "width must be int, got "),
        ("generator.width", None, "width must be int, got None"),
        ("generator.attention_resolutions", ["8"], "attention_resolutions must be tuple"),
        ("generator.attention_resolutions", "8", "attention_resolutions must be tuple"),
        ("generator", None, "generator must be Generator, got None"),
        ("trained_against", [1], "trained_against must be .*Sequence"),
        ("text_encoder.dropout", "0", "dropout must be float, got '0'"),
        ("text_encoder.depth", 10**6, "at most 1,000 layers, got part.text_encoder.depth"),
        ("text_encoder.depth", 1000, "needs far more than the file of its weights holds"),
        ("text_encoder.hidden_width", 10**6, "needs far more than the file"),
        ("text_encoder.vocab_size", 10**6, "needs far more than the file|does not fit"),
        ("text_encoder.max_length", 10**6, "needs far more than the file|does not fit"),
        ("text_encoder.max_length", 25, "differs in shape or kind in text_encoder.bert"),
        ("text_encoder.unknown", 1, "unexpected keyword argument 'unknown'"),
        ("text_encoder.a\nb\x1b[2J", 1e999, r"got 'part.text_encoder.a\\nb\\x1b"),
    ],
)
def test_a_number_that_is_absurd_costs_nothing(configure, refused, place, value, said):
    configure({place: value})
    refused(said)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("num_hidden_layers", 10**6), ("num_hidden_layers", 1000), ("hidden_size", 2**19)),
        *(("num_labels", 2**20), ("max_position_embeddings", 2**20), ("vocab_size", 2**20)),
        *(("intermediate_size", 2**20), ("type_vocab_size", 2**20), ("num_hidden_layers", 2**63)),
    ],
)
@pytest.mark.parametrize("kind", ["bert", "albert", "modernbert", "nomic_bert"])
def test_an_architecture_that_is_absurd_costs_nothing(configure, refused, kind, key, value):
    configure({"text_encoder.architecture": {"model_type": kind, key: value}})
    refused(r"config.json (must|cannot be built)|does not fit its config")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[]", "must have format_version 1 or 2 and a dict under 'part', got None"),
        (b'{"format_version": 99, "part": {}}', "must have format_version 1 .* got 99"),
        (b'[{"format_version": 1, "part": {}}]', "must have format_version 1"),
        (b'{"format_version": 1, "part": []}', "got 1 and list"),
        (b'"config"', "must have format_version 1"),
        (b"null", "must have format_version 1"),
        (b"", "is not valid JSON"),
        (b"\x80\x04\x95", "is not valid JSON"),
        (b"[" * 500_000, "is not valid JSON"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "is not valid JSON"),
        (b" " * 1_000_001, "must have at most 1,000,000 bytes, got more"),
        (b'{"format_version": ' + b"9" * 4301 + b"}", "is not valid JSON|must have format_version"),
        (b'{"format_version": 1, "part": {"x": NaN}}', "have finite numbers, got part.x = nan"),
        (b'{"format_version": 1, "part": {"x": [1e999]}}', r"got part.x\[0\] = inf"),
        (
            b'{"format_version": 1, "part": {"%b": [%b0]}}' % (b"k" * 400_000, b"0," * 250_000),
            "_target_ must",
        ),
        (b'{"format_version": 1, "part": {"x": %b%b}}' % (b"[" * 40, b"]" * 40), "at most 32 deep"),
    ],
)
def test_a_config_that_is_none_is_a_sentence(folder, refused, content, said):
    (folder / "config.json").write_bytes(content)
    refused(said)


def test_an_endless_config_is_not_read(folder, refused):
    file = folder / "config.json"
    with file.open("r+b") as stream:
        stream.truncate(2**40)  # of zeros, without a block on the disk
    refused("must have at most 1,000,000 bytes, got more")
    file.unlink()
    os.mkfifo(file)  # opening it would wait
    refused("has no config.json")
    file.unlink()
    file.mkdir()
    refused("has no config.json")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_link_out_of_the_folder_is_not_followed(folder, refused, tmp_path, name):
    outside = (folder / name).rename(tmp_path / name)
    for target in (outside, Path("..") / name):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
        refused(f"{name} must lie in its folder, but is a link to {outside}")
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")
    refused(f"has no {name}")
    (folder / name).unlink()
    (folder / name).symlink_to(name)
    refused(f"has no {name}")


def test_a_link_inside_the_folder_or_the_hubs_cache_is_allowed(folder, tmp_path):
    (folder / "config.json").rename(folder / "other.json")
    (folder / "config.json").symlink_to("other.json")
    (tmp_path / "link").symlink_to(folder)
    Part.from_pretrained(tmp_path / "link")
    cache = tmp_path / "models--someone--small"
    (cache / "snapshots").mkdir(parents=True)
    (cache / "blobs").mkdir()
    snapshot = folder.rename(cache / "snapshots" / "commit")
    (snapshot / "model.safetensors").rename(cache / "blobs" / "hash")
    (snapshot / "model.safetensors").symlink_to("../../blobs/hash")
    Part.from_pretrained(snapshot)
    cache.rename(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="must lie in its folder"):
        Part.from_pretrained(tmp_path / "elsewhere" / "snapshots" / "commit")


class Touch:
    """Unpickled, it writes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple:
        return Path.touch, (self.file,)


def test_a_pickle_in_place_of_weights_is_not_opened(folder, refused, tmp_path):
    harm = tmp_path / "harm"
    (folder / "model.safetensors").write_bytes(pickle.dumps(Touch(harm)))
    refused("is not a safetensors file")
    torch.save({"a": Touch(harm)}, folder / "model.safetensors")
    refused("is not a safetensors file")
    (folder / "model.safetensors").unlink()
    torch.save({"a": Touch(harm)}, folder / "pytorch_model.bin")
    refused("has no model.safetensors")
    assert not harm.exists()


def test_a_file_that_was_cut_or_goes_on_is_a_sentence(folder, refused):
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    for content in (whole[:0], whole[:5], whole[:8], whole[:100], whole[:-1], whole + b"\0"):
        file.write_bytes(content)
        refused("is not a safetensors file")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop(START), "it lacks generator.start.bias"),
        (lambda t: t.update({"../../x": torch.ones(1)}), r"it has unexpected \.\./\.\./x"),
        (
            lambda t: t.update({"generator.begin.bias": t.pop(START)}),
            "it lacks generator.start.bias, it has unexpected generator.begin.bias",
        ),
        (lambda t: t.clear(), "does not fit its config.json: it lacks"),
        (lambda t: t[START].fill_(torch.nan), "finite weights.*generator.start"),
        (lambda t: t[START].fill_(-torch.inf), "finite weights.*generator.start"),
        (lambda t: t.update({"a\nb\x1b[2J": torch.ones(1)}), r"unexpected 'a\\nb\\x1b\[2J'"),
        (lambda t: t.update({"x" * 10_000: torch.ones(1)}), "it has unexpected xxx"),
        (lambda t: t.update({f"x{i}": torch.ones(0) for i in range(4000)}), "and 3997 more"),
        *(
            (lambda t, other=other: t.update({START: other}), f"shape or kind in {START}")
            for other in (
                *map(torch.ones(128).to, (torch.int64, torch.bool, torch.complex64)),
                *(torch.ones(128).to(torch.float8_e4m3fn), torch.ones(1, 128)),
            )
        ),
        (lambda t: t.update({VOCABULARY: t[VOCABULARY].float()}), "differs in shape or kind"),
        (lambda t: t.update({VOCABULARY: t[VOCABULARY][None]}), "differs in shape or kind"),
    ],
)
def test_weights_that_are_not_the_configs_are_refused(reweigh, refused, change, said):
    reweigh(change)
    refused(said)


def test_weights_of_another_precision_are_taken(reweigh, folder):
    reweigh(lambda t: t.update({START: torch.ones(128, dtype=torch.bfloat16)}))
    assert Part.from_pretrained(folder).generator.start.bias.dtype == torch.float32


@pytest.mark.parametrize(
    ("length", "header"),
    [
        *((2**63, b"{}"), (2**64 - 1, b"{}"), (99_000_000, b"{}"), (10**6 + 1, b" " * (10**6 + 1))),
        *((None, b"[" * 10_000 + b"]" * 10_000), (None, b"\xff\xff"), (None, b"[]"), (None, b"3")),
        (None, b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}'),
        (None, b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}'),
        (None, b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999]}}'),
        (None, b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}'),
        (None, b'{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}'),
    ],
)
def test_a_header_that_is_absurd_costs_nothing(folder, refused, length, header):
    start = struct.pack("<Q", len(header) if length is None else length)
    (folder / "model.safetensors").write_bytes(start + header + b"1234")
    refused("is not a safetensors file")


def test_a_tensor_of_many_gigabytes_is_not_read(folder, refused):
    numbers = 2**34
    entry = {"dtype": "F32", "shape": [numbers], "data_offsets": [0, 4 * numbers]}
    header = json.dumps({START: entry}).encode()
    file = folder / "model.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header)
    with file.open("r+b") as stream:
        stream.truncate(8 + len(header) + 4 * numbers)  # without a block on the disk
    refused("it lacks .*, it differs in shape or kind in generator.start.bias")


def test_a_vocabulary_that_is_huge_is_not_read(reweigh, refused):
    reweigh(lambda t: t.update({VOCABULARY: torch.zeros(32_000_001, dtype=torch.uint8)}))
    refused(f"must have at most 32,000,000 bytes in {VOCABULARY}, got 32,000,001")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda j: j.clear(), "has a state that cannot be read"),
        (lambda j: j["model"].update(type="Nothing"), "has a state that cannot be read"),
        (lambda j: j["model"]["vocab"].update({f"w{i}": i for i in range(999)}), "vocab_size must"),
        (bomb(normalizer=steps("Replace", 9, pattern={"String": "a"}, content="aa")), "at most 64"),
        (bomb(normalizer=steps("ByteLevel", 30)), "must make a caption at most 64 times as long"),
        (bomb(normalizer=steps("Prepend", 1, prepend="a" * 65)), "at most 64 times as long"),
        (bomb(pre_tokenizer=steps("ByteLevel", 30)), "at most 64 times as long"),
        (
            bomb(normalizer=steps("Precompiled", 2, precompiled_charsmap="a" * 600_000)),
            "at most 64",
        ),
        (
            lambda j: j.update(
                post_processor=steps_of("processors", 3 * [doubling(j["post_processor"])])
            ),
            "must have each caption once in its template",
        ),
        (
            lambda j: j["post_processor"]["single"].extend(
                1000 * [{"SpecialToken": {"id": "<end>", "type_id": 0}}]
            ),
            "must put at most 10,000 bytes around a caption",
        ),
    ],
)
def test_a_vocabulary_that_is_broken_or_a_bomb_is_a_sentence(reweigh, refused, change, said):
    def rewrite(tensors: dict) -> None:
        content = json.loads(bytes(tensors[VOCABULARY].tolist()))
        change(content)
        tensors[VOCABULARY] = torch.tensor(list(json.dumps(content).encode()), dtype=torch.uint8)

    reweigh(rewrite)
    refused(said)


@pytest.mark.parametrize("content", [b"nothing", b"[" * 200_000, b"[]", b"\xff"])
def test_a_vocabulary_that_is_none_is_a_sentence(reweigh, refused, content):
    reweigh(lambda t: t.update({VOCABULARY: torch.tensor(list(content), dtype=torch.uint8)}))
    refused("must be JSON|cannot be read")


def test_what_would_be_refused_is_not_saved(tmp_path):
    encoder = FrozenTextEncoder(bert(), cache_megabytes=2**21)
    with pytest.raises(ValueError, match=r"config\.json must have whole numbers of at most"):
        encoder.save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new").exists()
