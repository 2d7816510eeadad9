"""Who may import whom: the arrows of the architecture, walked over the syntax trees."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "textgan"
FILES = sorted(PACKAGE.rglob("*.py"))
# Lowest first: a room may import only from rooms of earlier lines.
LEVELS = (
    ("errors", "layer", "schedule", "seed", "types", "weights"),
    ("file", "step"),
    ("checkpoint", "image", "logger", "pretrained", "process"),
    (
        "augmentation",
        "caption",
        "comparison",
        "denoiser",
        "diffusion",
        "generator",
        "image_encoder",
        "posterior",
        "quantizer",
        "scene",
    ),
    ("autoencoder",),
    (
        "callback",
        "data",
        "discriminator",
        "extractor",
        "judge",
        "metric",
        "prior",
        "text_encoder",
    ),
    ("loss", "pipeline"),
    ("app", "evaluation", "export"),
    ("training",),
    ("adversarial", "run"),
    ("model",),
    ("composition",),
    ("cli", "command"),
    ("__main__",),
)
# What a room may not import though it is lower: parts know neither files of others nor each other.
PROTOCOL = {
    *("errors", "schedule", "seed", "types", "step", "file", "image", "caption", "scene"),
    *("checkpoint", "comparison", "process", "pretrained"),
}
PARTS_SEE = {*PROTOCOL, "layer"}
FEW = {
    "layer": set(),
    **dict.fromkeys(("generator", "posterior", "augmentation", "quantizer"), PARTS_SEE),
    **dict.fromkeys(("denoiser", "diffusion"), PARTS_SEE),
    "autoencoder": {*PARTS_SEE, "quantizer"},
    "prior": {*PARTS_SEE, "diffusion"},
    **dict.fromkeys(("text_encoder", "image_encoder"), PARTS_SEE),
    **{room: PROTOCOL - {"pretrained"} for room in ("data", "callback", "logger")},
    "metric": PARTS_SEE - {"pretrained"},
    "app": {"file", "image", "pipeline", "pretrained"},
    "loss": {*PROTOCOL, "layer", "text_encoder", "image_encoder"},
    "export": {*PROTOCOL, "text_encoder", "pipeline"},
}
OUTSIDE = {
    "hydra": {"composition"},
    "omegaconf": {"composition"},
    "pytorch_lightning": {"callback", "composition", "data", "logger", "model", "run", "training"},
    "transformers": {"text_encoder", "image_encoder", "judge"},
    "huggingface_hub": {"pipeline", "pretrained"},
    "diffusers": {"denoiser", "diffusion"},
    "gradio": {"app"},
    "starlette": {"app"},
    "onnx": {"export"},
    "onnxruntime": {"export"},
    "lightning": set(),
    "wandb": set(),
}
MOST_LOOSE = 8


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
    if us == "__init__":
        assert not imported(path)
        return
    (level,) = [n for n, rooms in enumerate(LEVELS) if us in rooms]
    lower = {room for rooms in LEVELS[:level] for room in rooms}
    for name in imported(path):
        root, *below = name.split(".")
        if root == "textgan" and below:
            assert below[0] in {us, "__version__", *(FEW.get(us, lower) & lower)}, (
                f"{us} may not import {name}"
            )
        assert root not in OUTSIDE or us in OUTSIDE[root], f"{us} may not import {root}"


def test_few_modules_are_in_no_room():
    loose = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert len(loose) <= MOST_LOOSE


def test_no_files_import_each_other_in_a_circle():
    names = {
        path: ".".join(("textgan", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in FILES
    }
    known = {name.removesuffix(".__init__"): path for path, name in names.items()}
    arrows = {}
    for path in FILES:
        found = (known.get(name) or known.get(name.rpartition(".")[0]) for name in imported(path))
        arrows[path] = {other for other in found if other is not None} - {path}
    TopologicalSorter(arrows).prepare()  # raises CycleError
