"""Find the pictures of a folder that fit a text best."""

import sys
import warnings
from typing import TYPE_CHECKING

from textgan.command._model import (
    HELP,
    add_max_megapixels,
    add_trust,
    max_megapixels,
    open_model,
)
from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.home import expanded

if TYPE_CHECKING:
    from textgan.pipeline import Match

_SIDE = 128  # of a picture in the grid


def main(argv: list[str]) -> int:
    """`textgan search FOLDER "a caption"`: similarity and path of each match, best first."""
    parser = Parser("textgan search", description=__doc__)
    parser.add_argument(
        "folder", type=expanded, metavar="FOLDER", help="pictures, also in folders below it"
    )
    parser.add_argument("caption", metavar="CAPTION", help="what to look for")
    parser.add_argument("--model", type=expanded, help=HELP)
    add_trust(parser)
    parser.add_argument("--top", type=int, default=10, help="how many pictures (10)")
    parser.add_argument(
        "--out", type=expanded, metavar="FILE", help="write a grid of the matches, a PNG"
    )
    parser.add_argument("--follow_links", action="store_true", help="also links in the folder")
    add_max_megapixels(parser)
    words = parser.parse_args(argv)
    if words.top < 1:
        raise ConfigError(f"--top must be at least 1, got {words.top}")
    limit = max_megapixels(words)

    pipeline = open_model(words.model, "compare", trust=words.trust, pretrained=words.pretrained)
    try:
        with warnings.catch_warnings(record=True) as warned:
            matches = pipeline.search(
                words.folder, words.caption, top=words.top, follow_links=words.follow_links, **limit
            )
    except (ValueError, OSError) as error:
        raise ConfigError(str(error)) from error
    for warning in warned:
        print(warning.message, file=sys.stderr)
    for match in matches:
        print(f"{match.similarity:6.3f}  {match.path}")
    if words.out is not None:
        _draw(matches, words.out, **limit)
        print(words.out)
    return 0


def _draw(matches: list["Match"], out: str, **limit: float) -> None:
    import torch

    from textgan.image import captioned_grid, save_png
    from textgan.image.folder import read_square

    images = torch.stack([read_square(match.path, _SIDE, 3, **limit) for match in matches])
    captions = [f"{match.similarity:.3f} {match.path.name}" for match in matches]
    try:
        save_png(captioned_grid(images, captions, columns=5, image_width=_SIDE), out)
    except OSError as error:
        raise ConfigError(f"--out {out!r} cannot be written: {error.strerror}") from error
