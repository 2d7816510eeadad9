"""Make captions of the images of a folder, by a model that was trained with describe_weight."""

import json
import sys
import warnings
from pathlib import Path

from textgan.command._model import add_max_megapixels, add_model, open_model
from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.home import expanded


def _is_text(row: dict[str, str]) -> bool:
    """Return whether UTF-8 can hold a row: a file's name may have bytes that are no text."""
    return all(word.encode("utf-8", "ignore").decode() == word for word in row.values())


def main(argv: list[str]) -> int:
    """`textgan describe FOLDER`: write a captions file that `data=folder` reads.

    It is FOLDER/metadata.jsonl, with a row of file_name and text for each image. An existing file
    is never replaced.
    """
    parser = Parser("textgan describe", description=__doc__)
    parser.add_argument(
        "folder", type=expanded, metavar="FOLDER", help="a folder of images, also in sub-folders"
    )
    add_model(parser)
    parser.add_argument("--seed", type=int, default=0, help="seed of the captions (0)")
    parser.add_argument(
        "--temperature",
        type=float,
        default=0.0,
        help="0 takes the likeliest words (0), 1 the full variety",
    )
    parser.add_argument(
        "--out", type=expanded, metavar="FILE", help="another file to write, a .jsonl"
    )
    parser.add_argument("--follow_links", action="store_true", help="follow links in the folder")
    add_max_megapixels(parser)
    words = parser.parse_args(argv)
    file = Path(words.out or Path(words.folder) / "metadata.jsonl")
    if file.suffix != ".jsonl":
        raise ConfigError(f"--out must end in .jsonl, got {words.out!r}")
    if file.exists():
        raise ConfigError(f"{file} exists already, and is not replaced: give another --out")

    from textgan.file.atomic import whole

    pipeline = open_model(words.model, "describe", trust=words.trust, pretrained=words.pretrained)
    try:
        with warnings.catch_warnings(record=True) as warned:
            captions = pipeline.describe_folder(
                words.folder,
                temperature=words.temperature,
                seed=words.seed,
                follow_links=words.follow_links,
                **words.limit,
            )
    except (ValueError, TypeError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error
    for warning in warned:
        print(warning.message, file=sys.stderr)
    rows = [{"file_name": name, "text": text} for name, text in captions.items()]
    content = "".join(json.dumps(row, ensure_ascii=not _is_text(row)) + "\n" for row in rows)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as beside:
            beside.write_text(content, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error
    print(f"{file}: captions of {len(rows):,} images")
    return 0
