"""Example captions of the page, read from a model card."""

from pathlib import Path

from textgan.file.limits import TEXT_BYTES, YAML_BYTES, check_size, parse_yaml
from textgan.pretrained.hub import CARD

MOST = 6


def examples(place: Path) -> list[str]:
    """Read the first captions of a model card; an empty list if it offers none.

    They are the texts under `widget` in the card's front matter, as on the Hugging Face Hub. The
    place is a pipeline folder, or a checkpoint beside its folder `pipeline`.

    Raises:
        ValueError: the front matter is not valid YAML, or is too large.
    """
    file = (place if place.is_dir() else place.with_name("pipeline")) / CARD
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", errors="replace") as stream:
        before, *parts = stream.read(TEXT_BYTES).split("---\n", 2)
    if before or len(parts) < 2:  # no front matter
        return []
    try:
        check_size(len(parts[0].encode()), "its front matter", YAML_BYTES)
        content = parse_yaml(parts[0], "its front matter")
    except ValueError as error:
        raise ValueError(f"{file} must begin with valid YAML: {error}") from error
    widgets = content.get("widget") if isinstance(content, dict) else None
    widgets = widgets if isinstance(widgets, list) else []
    texts = [widget.get("text") for widget in widgets if isinstance(widget, dict)]
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()][:MOST]
