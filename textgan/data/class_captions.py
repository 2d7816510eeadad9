"""Name and captions of each class of a labelled data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from textgan.caption.text import check_caption
from textgan.data.table import Record, read_table


class ClassCaptions(NamedTuple):
    """The name of a class and its captions, at least one."""

    name: str
    captions: list[str]


def read_class_captions(path: Path, templates: Sequence[str] | None = None) -> list[ClassCaptions]:
    """The classes by label, from a JSON lines file with a row for each: label, name, captions.

    Args:
        path: the file.
        templates: captions with {} in the name's place, instead of those of the rows.

    Raises:
        ValueError: a row lacks something, or the labels are not 0, 1, ..., each once.
    """
    table = read_table(path)
    rows = [_row(record, table.where(number), templates) for number, record in table.rows]
    rows.sort(key=lambda row: row[0])
    labels = [label for label, _ in rows]
    if labels != list(range(len(labels))):
        raise ValueError(f"{path} must have the labels 0, 1, ..., each once, got {labels}")
    return [found for _, found in rows]


def _row(record: Record, where: str, templates: Sequence[str] | None) -> tuple[int, ClassCaptions]:
    label, name, texts = (record.get(column) for column in ("label", "name", "captions"))
    if type(label) is not int or label < 0:
        raise ValueError(f"{where}: label must be a whole number from 0 on, got {label!r:.80}")
    if not _is_text(name):
        raise ValueError(f"{where}: name must be a string that is not empty, got {name!r:.80}")
    check_caption(name, f"{where}: a name")
    if templates is not None:
        return label, ClassCaptions(name, [text.replace("{}", name) for text in templates])
    if type(texts) is not list or not texts or not all(map(_is_text, texts)):
        raise ValueError(
            f"{where}: captions must be a list of strings, none of them empty, got {texts!r:.80}"
        )
    for text in texts:
        check_caption(text, f"{where}: a caption")
    return label, ClassCaptions(name, [text.strip() for text in texts])


def _is_text(value: object) -> bool:
    return type(value) is str and bool(value.strip())
