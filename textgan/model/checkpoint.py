"""What our checkpoints hold beside Lightning's own: enough to sample from one file anywhere."""

from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule

from textgan.checkpoint import FORMAT_VERSION, read_checkpoint
from textgan.pipeline import ContrastivePipeline, TextToImagePipeline
from textgan.pretrained import build
from textgan.text_encoder.base import TextEncoder


def stamp(checkpoint: dict[str, Any], model: LightningModule) -> None:
    """Write `checkpoint["textgan"]`, and leave out the weights of frozen pretrained encoders.

    It holds the format's version, what a command line composed (or None), what the pipeline is
    built from, and the SHA-256 of what was left out, by the encoder's name.
    """
    pipeline, hashes = model.pipeline(), {}
    config = pipeline.config()
    for name, encoder in _encoders(model):
        for prefix in encoder.frozen_prefixes():
            for key in [k for k in checkpoint["state_dict"] if k.startswith(f"{name}.{prefix}")]:
                del checkpoint["state_dict"][key]
        if encoder.frozen_prefixes():
            hashes[name] = encoder.weights_hash()
    if pipeline.text_encoder.frozen_prefixes():
        config["text_encoder"] = pipeline.text_encoder.referring_config()
    checkpoint["textgan"] = {
        "format_version": FORMAT_VERSION,
        "config": model.composed_config,
        "pipeline": config,
        "frozen": hashes,
    }


def refill(checkpoint: dict[str, Any], model: LightningModule) -> None:
    """Put back what `stamp` left out, from the encoders that `model` was built with.

    Raises:
        ValueError: these are not the weights that the checkpoint was trained on.
    """
    own = model.state_dict()
    for name, encoder in _encoders(model):
        _check_hash(name, encoder, checkpoint.get("textgan", {}).get("frozen", {}))
        for prefix in encoder.frozen_prefixes():
            left_out = {
                key: value for key, value in own.items() if key.startswith(f"{name}.{prefix}")
            }
            checkpoint["state_dict"].update(left_out)


def load_pipeline(path: str | Path) -> TextToImagePipeline | ContrastivePipeline:
    """The pipeline inside a checkpoint, with the averaged weights, on the CPU and in eval mode.

    Raises:
        FileNotFoundError, ValueError: the file is not there, or no checkpoint of ours.
    """
    checkpoint = read_checkpoint(path)
    pipeline = build(checkpoint["textgan"]["pipeline"])
    states = {
        key.removeprefix("ema.averaged."): value
        for key, value in checkpoint["state_dict"].items()
        if key.startswith("ema.averaged.")
    }
    encoder = pipeline.text_encoder
    _check_hash("text_encoder", encoder, checkpoint["textgan"]["frozen"])
    for prefix in encoder.frozen_prefixes():
        own = encoder.state_dict(prefix="text_encoder.")
        states.update({k: v for k, v in own.items() if k.startswith(f"text_encoder.{prefix}")})
    pipeline.load_state_dict(states)
    return pipeline.eval()


def _encoders(model: LightningModule) -> list[tuple[str, TextEncoder]]:
    return [(name, part) for name, part in model.named_modules() if isinstance(part, TextEncoder)]


def _check_hash(name: str, encoder: TextEncoder, hashes: dict[str, str]) -> None:
    if encoder.frozen_prefixes() and encoder.weights_hash() != hashes.get(name):
        raise ValueError(
            f"{name} is frozen, and its pretrained weights are not those that the checkpoint was "
            "trained on"
        )
