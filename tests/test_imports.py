"""Who may import whom: the arrows of the architecture, walked over the syntax trees."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "textgan"
FILES = sorted(PACKAGE.rglob("*.py"))
PROTOCOL = {
    *("types", "image", "font", "text_lines", "scene", "seed", "schedule", "errors", "direction"),
    *("edit", "step", "frozen", "picture_file", "home"),
    *("png_text", "regular_file", "caption_text", "stop", "finite", "whole_file"),
}
PARTS = {
    *("text_encoder", "image_encoder", "generator", "discriminator", "posterior", "autoencoder"),
    *("prior", "denoiser", "diffusion", "augmentation", "loss"),
}
SHARED = {
    *PROTOCOL,
    *("tokenizer", "layer", "hub", "gate", "trust"),
    *("pretrained", "pretrained_check", "pretrained_files"),
    *("tokenizer_check", "pattern_check", "precision"),
}
EDGES = {
    **dict.fromkeys(PARTS, SHARED),
    **dict.fromkeys(("data", "metric", "callback", "logger"), PROTOCOL),
    "layer": PROTOCOL,
    "pipeline": {*SHARED, *PARTS},
    "evaluation": {*SHARED, *PARTS, "pipeline", "metric"},
    "export": {*SHARED, "text_encoder", "pipeline"},
    "app": {"hub", "gate", "image", "pipeline"},
    "model": {*SHARED, *PARTS, "pipeline", "metric", "evaluation", "checkpoint"},
}
OUTSIDE = {
    "hydra": {"composition"},
    "omegaconf": {"composition"},
    "pytorch_lightning": {
        *("model", "data", "callback", "logger", "composition", "lightning_cli", "run_ending"),
    },
    "transformers": {"text_encoder", "image_encoder"},
    "huggingface_hub": {"hub", "pretrained_check", "pipeline"},
    "gradio": {"app"},
    "starlette": {"app"},
    "onnx": {"export"},
    "onnxruntime": {"export"},
    "lightning": set(),
    "wandb": set(),
}


def owner(path: Path) -> str:
    """The folder or file directly below the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Full names of all that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_what_it_may(path):
    us = owner(path)
    for name in imported(path):
        root, *below = name.split(".")
        if root == "textgan" and below and us in EDGES:
            is_base = us in {"loss", "metric", "discriminator"} and below[-2:-1] == ["base"]
            allowed = {us, "__version__", *EDGES[us]}
            assert below[0] in allowed or is_base, f"{us} may not import {name}"
        assert root not in OUTSIDE or us in OUTSIDE[root], f"{us} may not import {root}"
