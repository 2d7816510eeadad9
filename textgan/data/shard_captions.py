"""The captions of a sample of a tar file: its .txt, .json or .cls."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from textgan.data.cell import NoCaptionError, captions_of
from textgan.data.columns import CAPTION_COLUMNS
from textgan.data.skipping import UnusableSampleError


@dataclass(frozen=True)
class ShardCaptions:
    """Reads the captions of samples.

    Attributes:
        caption_column: the entry of a .json object that holds them; None takes caption, text or the
            like.
        class_names: the caption of each number of a .cls, 0 first; None refuses .cls files.
    """

    caption_column: str | None = None
    class_names: Sequence[str] | None = None

    def read(self, content: bytes, suffix: str) -> tuple[str, ...]:
        """The captions, none of them empty.

        Args:
            content: of the file.
            suffix: "txt", "json" or "cls".

        Raises:
            UnusableSampleError: there is none, or it cannot be read.
        """
        try:
            text = content.decode("utf-8-sig")
            found = {"txt": _lines, "json": self._of_json, "cls": self._of_class}[suffix](text)
        except UnicodeDecodeError as error:
            raise UnusableSampleError(f"its .{suffix} must be UTF-8 text") from error
        except NoCaptionError as error:
            raise UnusableSampleError(f"its .{suffix}: {error}") from error
        if not found:
            raise UnusableSampleError(f"its .{suffix} holds no caption")
        return tuple(found)

    def _of_json(self, text: str) -> Sequence[str]:
        try:
            record = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NoCaptionError("it is not valid JSON") from error
        if not isinstance(record, dict):
            return captions_of(record)
        usual = (name for name in CAPTION_COLUMNS if name in record)
        return captions_of(record.get(self.caption_column or next(usual, "")))

    def _of_class(self, text: str) -> Sequence[str]:
        if self.class_names is None:
            raise NoCaptionError("it holds the number of a class, and data.class_names is not set")
        numbers = {str(number): name for number, name in enumerate(self.class_names)}
        if text.strip() not in numbers:
            raise NoCaptionError(f"it must be from 0 to {len(numbers) - 1}, got {text!r:.40}")
        return [numbers[text.strip()]]


def _lines(text: str) -> list[str]:
    return [caption for line in text.split("\n") for caption in captions_of(line)]
