"""Classes that have moved since a checkpoint or a configuration was written."""

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
_KEYS = ("_target_", "class_path")


def renamed(config: Any) -> Any:
    """A copy of a configuration in which every class has the name that it has now.

    Args:
        config: dicts, lists and scalars; classes stand under `_target_` or `class_path`.
    """
    if isinstance(config, dict):
        return {
            key: _MOVED.get(value, value)
            if key in _KEYS and isinstance(value, str)
            else renamed(value)
            for key, value in config.items()
        }
    return [renamed(item) for item in config] if isinstance(config, list) else config
