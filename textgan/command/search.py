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
    """`textgan search FOLDER "a caption"`: print similarity and path of each match, best first."""
    parser = Parser("textgan search", description=__doc__)
    parser.add_argument(
        "folder", type=expanded, metavar="FOLDER", help="a folder of images, also in sub-folders"
    )
    parser.add_argument("caption", metavar="CAPTION", help="the text to search for")
    add_model(parser)
    parser.add_argument("--top", type=int, default=10, help="number of images (10)")
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
            matches = pipeline.search(words.folder, words.caption, **options)
    except (ValueError, OSError) as error:
        raise ConfigError(str(error)) from error
    for warning in warned:
        print(warning.message, file=sys.stderr)
    for match in matches:
        print(f"{match.similarity:6.3f}  {match.path}")
    if words.out is not None:
        _write_grid(matches, words.out, **words.limit)
        print(words.out)
    return 0


def _write_grid(matches: list["Match"], out: str, **limit: float) -> None:
    import torch

    from textgan.image import captioned_grid, save_png
    from textgan.image.folder import read_square

    images = torch.stack([read_square(match.path, _SIDE, 3, **limit) for match in matches])
    captions = [f"{match.similarity:.3f} {match.path.name}" for match in matches]
    try:
        save_png(captioned_grid(images, captions, columns=5, image_width=_SIDE), out)
    except OSError as error:
        raise ConfigError(f"--out {out!r} cannot be written: {error.strerror}") from error
