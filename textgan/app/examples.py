"""Captions to start from, which a model's folder brings along."""

from pathlib import Path

import yaml

CARD, FILE = "README.md", "examples.txt"
MOST = 6


def examples(place: Path) -> list[str]:
    """The first captions that a model's folder offers; none where it offers none.

    They are the texts of `widget` at the head of its model card, as on the Hugging Face Hub; where
    the card has none, the lines of `examples.txt`.

    Args:
        place: a pipeline folder, or a checkpoint beside its folder `pipeline`.

    Raises:
        ValueError: the card's head is not valid YAML.
    """
    folder = place if place.is_dir() else place.with_name("pipeline")
    found = _of_card(folder / CARD) or _lines(folder / FILE)
    return [caption.strip() for caption in found if caption.strip()][:MOST]


def _of_card(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    before, *parts = text.split("---\n", 2)
    if before or len(parts) < 2:  # no head
        return []
    try:
        head = yaml.safe_load(parts[0])
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise ValueError(f"{file} must begin with valid YAML: {said}") from error
    widgets = head.get("widget") if isinstance(head, dict) else None
    texts = [widget.get("text") for widget in widgets or () if isinstance(widget, dict)]
    return [text for text in texts if isinstance(text, str)]


def _lines(file: Path) -> list[str]:
    if not file.is_file():
        return []
    return file.read_text(encoding="utf-8", errors="replace").splitlines()
