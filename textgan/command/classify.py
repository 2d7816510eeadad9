"""Rank labels by how well they fit an image."""

from typing import TYPE_CHECKING

from textgan.command._model import add_max_megapixels, add_model, open_model
from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.home import expanded

if TYPE_CHECKING:
    from torch import Tensor

    from textgan.image_encoder.base import ImageEncoder


def main(argv: list[str]) -> int:
    """`textgan classify IMAGE ... --labels "a,b"`: print labels and probabilities, best first."""
    parser = Parser("textgan classify", description=__doc__)
    parser.add_argument("images", nargs="+", metavar="IMAGE", type=expanded, help="an image file")
    parser.add_argument("--labels", required=True, help='possible contents: "a cat,a dog"')
    parser.add_argument(
        "--template",
        action="append",
        metavar="TEXT",
        help='caption made of a label ("a photo of a {}"); the encodings of several templates are '
        "averaged",
    )
    add_model(parser)
    add_max_megapixels(parser)
    words = parser.parse_args(argv)
    labels = [label.strip() for label in words.labels.split(",")]

    pipeline = open_model(words.model, "compare", trust=words.trust, pretrained=words.pretrained)
    options = {} if words.template is None else {"templates": words.template}
    images = _read(words.images, pipeline.image_encoder, **words.limit)
    try:
        probabilities = pipeline.classify(images, labels, **options).tolist()
    except ValueError as error:
        raise ConfigError(str(error)) from error
    for path, row in zip(words.images, probabilities, strict=True):
        print(path)
        for probability, label in sorted(zip(row, labels, strict=True), key=lambda p: -p[0]):
            print(f"{probability:7.3f}  {label}")
    return 0


def _read(paths: list[str], encoder: "ImageEncoder", **limit: float) -> "Tensor":
    """Read the middle squares of images, (B, C, H, W) in [-1, 1], in the encoder's size."""
    import torch

    from textgan.image.file import UnreadableImageError
    from textgan.image.folder import read_square

    squares = []
    for path in paths:
        try:
            squares.append(read_square(path, encoder.image_size, encoder.channels, **limit))
        except UnreadableImageError as error:
            raise ConfigError(f"image {path!r} cannot be read: {error}") from error
    return torch.stack(squares)
