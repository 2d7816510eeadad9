"""Classes of earlier releases in saved configurations, as this release names and splits them."""

from typing import Any

_MOVED = {
    "textgan.image_encoder.inception.Inception": "textgan.extractor.inception.Inception",
    "textgan.image_encoder.pixels.Pixels": "textgan.extractor.pixels.Pixels",
    "textgan.image_encoder.encoded.Contrastive": "textgan.extractor.encoded.Contrastive",
    "textgan.image_encoder.clip.CLIP": "textgan.judge.clip.CLIP",
    "textgan.image_encoder.contrastive.ContrastiveJudge": (
        "textgan.judge.contrastive.ContrastiveJudge"
    ),
}
_CLASS_KEYS = ("_target_", "class_path")
_BERT = "textgan.text_encoder.bert.BertTextEncoder"
_PRETRAINED = "textgan.text_encoder.pretrained.PretrainedTextEncoder"
_OF_BERT = ("hidden_width", "depth", "num_heads", "vocab_size", "lowercase")
_OF_PRETRAINED = ("pretrained", "architecture", "frozen", "cache_megabytes")


def renamed(config: Any) -> Any:
    """Return a copy of a configuration in which every class has its present name and arguments.

    `BertTextEncoder` was also the class of pretrained encoders, and had the arguments of both.

    Args:
        config: dicts, lists and scalars; classes stand under `_target_` or `class_path`.
    """
    if isinstance(config, list):
        return [renamed(item) for item in config]
    if not isinstance(config, dict):
        return config
    found = {key: renamed(value) for key, value in config.items()}
    for key in _CLASS_KEYS:
        name = found.get(key)
        if isinstance(name, str):
            found[key] = _MOVED.get(name, name)
            if name == _BERT:
                arguments = found.get("init_args") if key == "class_path" else found
                found[key] = _split(arguments if isinstance(arguments, dict) else {})
    return found


def _split(arguments: dict[str, Any]) -> str:
    """Delete the arguments of the other text encoder, in place; return the name of the class."""
    weights = arguments.get("pretrained"), arguments.get("architecture")
    is_pretrained = any(source is not None for source in weights)
    for name in _OF_BERT if is_pretrained else _OF_PRETRAINED:
        arguments.pop(name, None)
    if is_pretrained and arguments.get("frozen"):
        arguments["dropout"] = 0.0  # which a frozen transformer has never had
    return _PRETRAINED if is_pretrained else _BERT
