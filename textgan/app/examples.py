"""Captions to start from, which a model's card brings along."""

from pathlib import Path

from textgan.file.limits import TEXT_BYTES, YAML_BYTES, check_size, parse_yaml
from textgan.pretrained.hub import CARD

MOST = 6


def examples(place: Path) -> list[str]:
    """The first captions that a model's card offers; none where it offers none.

    They are the texts of `widget` at the card's head, as on the Hugging Face Hub.

    Args:
        place: a pipeline folder, or a checkpoint beside its folder `pipeline`.

    Raises:
        ValueError: the card's head is not valid YAML, or holds more than any does.
    """
    file = (place if place.is_dir() else place.with_name("pipeline")) / CARD
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", errors="replace") as stream:
        before, *parts = stream.read(TEXT_BYTES).split("---\n", 2)
    if before or len(parts) < 2:  # no head
        return []
    try:
        check_size(len(parts[0].encode()), "its head", YAML_BYTES)
        head = parse_yaml(parts[0], "its head")
    except ValueError as error:
        raise ValueError(f"{file} must begin with valid YAML: {error}") from error
    widgets = head.get("widget") if isinstance(head, dict) else None
    widgets = widgets if isinstance(widgets, list) else []
    texts = [widget.get("text") for widget in widgets if isinstance(widget, dict)]
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()][:MOST]
