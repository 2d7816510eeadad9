"""What is said of each class of a labelled data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textgan.caption.text import check_caption
from textgan.data.table import Record, read_table


@dataclass(frozen=True)
class ClassCaptions:
    """Name and captions of each class, by label: 0 first. Each class has a caption at least."""

    names: list[str]
    captions: list[list[str]]


def read_class_captions(path: Path, templates: Sequence[str] | None = None) -> ClassCaptions:
    """The classes of a JSON lines file with a row for each: label (0, 1, ...), name, captions.

    Args:
        path: the file.
        templates: captions with {} in the name's place, instead of those of the rows.

    Raises:
        ValueError: a row lacks something, or the labels are not 0, 1, ..., each once.
    """
    names: dict[int, str] = {}
    captions: dict[int, list[str]] = {}
    labels = []
    for number, record in read_table(path).rows:
        label, name, texts = _class(record, f"{path}, line {number}", bare=templates is not None)
        labels.append(label)
        names[label] = name
        if templates is not None:
            texts = [template.replace("{}", name) for template in templates]
        captions[label] = texts
    order = sorted(labels)
    if order != list(range(len(order))):
        raise ValueError(f"{path} must have the labels 0, 1, ..., each once, got {order}")
    return ClassCaptions([names[label] for label in order], [captions[label] for label in order])


def _class(record: Record, where: str, *, bare: bool) -> tuple[int, str, list[str]]:
    """Label, name and captions of a row; of a bare one the captions are left out."""
    label, name, texts = (record.get(column) for column in ("label", "name", "captions"))
    if type(label) is not int or label < 0:
        raise ValueError(f"{where}: label must be a whole number from 0 on, got {label!r:.80}")
    if not _is_text(name):
        raise ValueError(f"{where}: name must be a string that is not empty, got {name!r:.80}")
    check_caption(name, f"{where}: a name")
    if bare:
        return label, name, []
    if type(texts) is not list or not texts or not all(map(_is_text, texts)):
        raise ValueError(
            f"{where}: captions must be a list of strings, none of them empty, got {texts!r:.80}"
        )
    for text in texts:
        check_caption(text, f"{where}: a caption")
    return label, name, [text.strip() for text in texts]


def _is_text(value: object) -> bool:
    return type(value) is str and bool(value.strip())
