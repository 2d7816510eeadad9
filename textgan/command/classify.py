"""Say which of some labels fits a picture best."""

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
    from torch import Tensor

    from textgan.image_encoder.base import ImageEncoder


def main(argv: list[str]) -> int:
    """`textgan classify PICTURE ... --labels "a,b"`: labels with probabilities, best first."""
    parser = Parser("textgan classify", description=__doc__)
    parser.add_argument(
        "pictures", nargs="+", metavar="PICTURE", type=expanded, help="a picture file"
    )
    parser.add_argument("--labels", required=True, help='what it may show: "a cat,a dog"')
    parser.add_argument(
        "--template",
        action="append",
        metavar="TEXT",
        help='the caption that a label becomes ("a photo of a {}"); given several times, their '
        "encodings are averaged",
    )
    parser.add_argument("--model", type=expanded, help=HELP)
    add_max_megapixels(parser)
    add_trust(parser)
    words = parser.parse_args(argv)
    limit = max_megapixels(words)
    labels = [label.strip() for label in words.labels.split(",")]

    pipeline = open_model(words.model, "compare", trust=words.trust, pretrained=words.pretrained)
    options = {} if words.template is None else {"templates": words.template}
    images = _read(words.pictures, pipeline.image_encoder, **limit)
    try:
        probabilities = pipeline.classify(images, labels, **options).tolist()
    except ValueError as error:
        raise ConfigError(str(error)) from error
    for path, row in zip(words.pictures, probabilities, strict=True):
        print(path)
        for probability, label in sorted(zip(row, labels, strict=True), key=lambda p: -p[0]):
            print(f"{probability:7.3f}  {label}")
    return 0


def _read(paths: list[str], encoder: "ImageEncoder", **limit: float) -> "Tensor":
    """The middle squares of pictures, (B, C, H, W) in [-1, 1], as the encoder looks at them."""
    import torch

    from textgan.image.file import UnreadableImageError
    from textgan.image.folder import read_square

    squares = []
    for path in paths:
        try:
            squares.append(read_square(path, encoder.image_size, encoder.channels, **limit))
        except UnreadableImageError as error:
            raise ConfigError(f"picture {path!r} cannot be read: {error}") from error
    return torch.stack(squares)
