"""Find the images of a folder that fit a text best."""

import sys
import warnings
from typing import TYPE_CHECKING

from textgan.command._model import add_max_megapixels, add_model, open_model
from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.home import expanded

if TYPE_CHECKING:
    from textgan.pipeline import Match

_SIDE = 128  # pixels of an image in the grid


def main(argv: list[str]) -> int:
    """`textgan search FOLDER "a caption" ["another" ...]`: print the best matches of each caption.

    A line has the similarity and the path of an image. With several captions, each has a line of
    its own before its matches; the model is loaded once for all.
    """
    parser = Parser("textgan search", description=__doc__)
    parser.add_argument(
        "folder", type=expanded, metavar="FOLDER", help="a folder of images, also in sub-folders"
    )
    parser.add_argument("captions", nargs="+", metavar="CAPTION", help="a text to search for")
    add_model(parser)
    parser.add_argument("--top", type=int, default=10, help="number of images of a caption (10)")
    parser.add_argument(
        "--out", type=expanded, metavar="FILE", help="write a grid of the matches, a PNG"
    )
    parser.add_argument("--follow_links", action="store_true", help="follow links in the folder")
    add_max_megapixels(parser)
    words = parser.parse_args(argv)
    if words.top < 1:
        raise ConfigError(f"--top must be at least 1, got {words.top}")

    pipeline = open_model(words.model, "compare", trust=words.trust, pretrained=words.pretrained)
    try:
        with warnings.catch_warnings(record=True) as warned:
            options = {"top": words.top, "follow_links": words.follow_links, **words.limit}
            found = {c: pipeline.search(words.folder, c, **options) for c in words.captions}
    except (ValueError, OSError) as error:
        raise ConfigError(str(error)) from error
    for message in dict.fromkeys(str(warning.message) for warning in warned):
        print(message, file=sys.stderr)
    for caption, matches in found.items():
        if len(found) > 1:
            print(caption)
        for match in matches:
            print(f"{match.similarity:6.3f}  {match.path}")
    if words.out is not None:
        _write_grid(found, words.out, **words.limit)
        print(words.out)
    return 0


def _write_grid(found: dict[str, list["Match"]], out: str, **limit: float) -> None:
    """Write the matches of one caption in rows of five, or of several captions, each in a row."""
    import torch

    from textgan.image import captioned_grid, save_png
    from textgan.image.folder import read_square

    matches = [match for own in found.values() for match in own]
    images = torch.stack([read_square(match.path, _SIDE, 3, **limit) for match in matches])
    captions = [f"{match.similarity:.3f} {match.path.name}" for match in matches]
    if len(found) > 1:
        captions = [
            f"{caption}: {match.similarity:.3f}" for caption, own in found.items() for match in own
        ]
    columns = 5 if len(found) == 1 else len(matches) // len(found)
    try:
        save_png(captioned_grid(images, captions, columns=columns, image_width=_SIDE), out)
    except OSError as error:
        raise ConfigError(f"--out {out!r} cannot be written: {error.strerror}") from error
