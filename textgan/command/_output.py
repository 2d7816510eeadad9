"""Options by which a command writes images: as one file, or each by itself into a folder."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.home import expanded


def add_output(parser: Parser, *, out: str, folder: str) -> None:
    """Add the options `--out`, `--raw` and `--no_metadata`.

    Args:
        parser: of the command.
        out: the help of `--out`.
        folder: default of `--out` with `--raw`.
    """
    parser.add_argument("--out", type=expanded, help=out)
    parser.add_argument(
        "--raw",
        action="store_true",
        help=f"write each sample at its own size into the folder --out ({folder})",
    )
    parser.add_argument(
        "--no_metadata",
        action="store_true",
        help="leave caption, seed, settings and model out of the PNG files",
    )


def output_path(
    words: argparse.Namespace, *, stem: str, folder: str, endings: Sequence[str] = (".png",)
) -> Path:
    """Return the file, or with `--raw` the folder, to write.

    Args:
        words: with `out` and `raw`.
        stem: of the file that is written if there is no `--out`.
        folder: that is written if there is no `--out`.
        endings: of a file, the default first.

    Raises:
        ConfigError: the file has another ending, or the folder is a file.
    """
    if words.raw:
        out = Path(words.out or folder)
        if out.is_file():
            raise ConfigError(f"--out must be a folder with --raw, and {str(out)!r} is a file")
        return out
    out = Path(words.out or f"{stem}{endings[0]}")
    if out.suffix.lower() not in endings:
        raise ConfigError(f"--out must end in {' or '.join(endings)}, got {str(out)!r}")
    return out


@contextmanager
def drawing(out: Path) -> Iterator[None]:
    """Turn the errors of drawing images and of writing them to `out` into a ConfigError."""
    try:
        yield
    except (ValueError, FloatingPointError) as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"--out {str(out)!r} cannot be written: {error.strerror}") from error
