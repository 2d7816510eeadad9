"""Load a transformer and its tokenizer, or build one from a saved architecture."""

import json
from typing import Any

import torch
import transformers
from torch import nn

from textgan.caption.tokenizer import SMALLEST_VOCABULARY, Tokenizer
from textgan.file.home import expanded
from textgan.file.limits import shown
from textgan.pretrained.check import ARCHITECTURES, BROKEN_PRETRAINED
from textgan.pretrained.package import is_in_package, path_in_package
from textgan.pretrained.tokenizer_check import TokenizerErrors

# The text half of models that hold an image encoder too. SigLIP's is not among them: it was trained
# on captions padded to a fixed length.
_HALVES = {"clip": "CLIPTextModel"}


def load(name: str, max_length: int) -> tuple[nn.Module, Tokenizer]:
    """Load the transformer and the tokenizer of a folder, a hub name or `package:NAME/FOLDER`.

    Raises:
        ValueError: there is none, weights or tokenizer are incomplete, its kind is not in
            `ARCHITECTURES`, or it reads shorter captions only.
    """
    folder = str(path_in_package(name)) if is_in_package(name) else expanded(name)
    rule = "pretrained must be a folder or hub name with a model and a tokenizer"
    try:
        # Without trust_remote_code=False the user is asked whether to run the folder's code.
        with TokenizerErrors(f"{name!r}", "has a tokenizer that cannot be read"):
            reader = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
        half = _HALVES.get(config.model_type, "AutoModel")
        bert, loading = getattr(transformers, half).from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation="sdpa",
            output_loading_info=True,
            trust_remote_code=False,
        )
    except BROKEN_PRETRAINED as error:
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{rule}, got {name!r}: {shown(said, 300)}") from error
    _check_kind(bert.config.model_type)
    missing = [key for key in loading["missing_keys"] if not key.startswith("pooler.")]
    if missing or not reader.is_fast:
        lack = f"lacks {sorted(missing)[:3]}" if missing else "has no tokenizer.json"
        raise ValueError(f"pretrained must be a whole model, but {name!r} {lack}")
    longest = min(reader.model_max_length, bert.config.max_position_embeddings)
    if max_length > longest:
        raise ValueError(f"max_length must be at most {longest} for {name!r}, got {max_length}")
    tokenizer = empty_tokenizer(bert, max_length)
    text = reader.backend_tokenizer.to_str()
    with TokenizerErrors(f"pretrained {name!r}", "has a tokenizer that cannot be used"):
        fitted = Tokenizer.from_json(text, max_length=max_length, pad_token=reader.pad_token)
    tokenizer.load_state_dict(fitted.state_dict())
    return _without_pooler(bert), tokenizer


def _check_kind(kind: str) -> None:
    """Raise ValueError for a kind that could not be saved and loaded again."""
    if kind not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"pretrained must be of the kinds {known}; got {kind!r}")


def untrained(architecture: dict[str, Any]) -> nn.Module:
    """Build a transformer from what `architecture_of` returned, with random weights."""
    _check_kind(str(architecture.get("model_type")))
    config = transformers.AutoConfig.for_model(**architecture)
    return _without_pooler(transformers.AutoModel.from_config(config, attn_implementation="sdpa"))


def _without_pooler(bert: nn.Module) -> nn.Module:
    """Remove the layer on top that only next-sentence prediction trains."""
    if getattr(bert, "pooler", None) is not None:
        bert.pooler = None
    return bert


def empty_tokenizer(bert: nn.Module, max_length: int) -> Tokenizer:
    """Return a tokenizer without a vocabulary, with room for that of the transformer."""
    return Tokenizer(max(bert.config.vocab_size, SMALLEST_VOCABULARY), max_length)


def architecture_of(bert: nn.Module) -> dict[str, Any]:
    """Return the settings that are not the class's defaults, without origin and version."""
    architecture = json.loads(bert.config.to_json_string(use_diff=True))
    traces = ("transformers_version", "_name_or_path", "architectures", "dtype", "auto_map")
    return {key: value for key, value in architecture.items() if key not in traces}
