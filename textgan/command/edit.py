"""Change an image: draw it or a part of it anew, edit it by two captions, or vary it."""

import argparse
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgan.command._metadata import model_facts, png_texts
from textgan.command._model import add_max_megapixels, add_model, open_model
from textgan.command._options import declared_options, only_kind, own_options, settle
from textgan.command._output import add_output, drawing, output_path
from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.home import expanded

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from textgan.pipeline import Pipeline

# kind of edit -> the ability that it needs
_TAKES = {
    "": "image_to_image",
    "--mask": "inpaint",
    "--from": "edit",
    "--variations": "variations",
}
_DRAWN = ("", "--mask", "--variations")  # from noise, so that there may be several results


def main(argv: list[str]) -> int:
    """`textgan edit IMAGE "a caption"`: write the given image and several results beside it."""
    parser = _parser(argv)
    words = parser.parse_args(argv)
    kind = _check(words)
    image = _read(words.image, "image", channels=4, **words.limit)
    mask = None
    if words.mask is not None:
        # With black behind it, strokes of white on a transparent layer are a mask too.
        mask = _read(words.mask, "--mask", channels=1, background="black", **words.limit)

    ability = _TAKES[kind]
    pipeline = open_model(words.model, ability, trust=words.trust, pretrained=words.pretrained)
    kind_named = kind or "textgan edit"
    options = own_options(pipeline, words.unknown, ability, kind_named, parser)
    words.strength = _strength(pipeline, ability, words.strength, kind_named)
    with drawing(words.out):
        results = _results(pipeline, words, kind, image, mask, options)
        facts = None if words.no_metadata else _facts(pipeline, words, kind, options)
        if words.raw:
            _write_each(results, words, kind, facts)
        else:
            _write_grid(results, words, image, facts)
    print(words.out)
    return 0


def _parser(argv: list[str]) -> Parser:
    parser = Parser(
        "textgan edit",
        description=f"{__doc__} Without --mask, --from and --variations, the image is drawn anew "
        "for the caption, starting from its noisy version.",
        epilog=declared_options(_TAKES.values()) if {"-h", "--help"} & {*argv} else None,
        keeps_unknown=True,
    )
    add = parser.add_argument
    add("image", type=expanded, metavar="IMAGE", help="an image file, whose middle square is taken")
    add("captions", nargs="*", default=[], metavar="CAPTION", help="the text of the new image")
    add(
        "--mask",
        type=expanded,
        metavar="FILE",
        help="draw only a part anew: an image of the same size, white where it is drawn",
    )
    add(
        "--from",
        dest="from_caption",
        metavar="CAPTION",
        help="the text of the given image: change only what differs between the two",
    )
    add(
        "--variations",
        action="store_true",
        help="draw images that mean the same as the given one; the caption may be left out",
    )
    add(
        "--strength",
        type=float,
        help="how much is drawn anew, above 0 and at most 1 (the model's own default)",
    )
    add("--number", type=int, help="number of results (4); --from gives one")
    add("--seed", type=int, help="seed of the noise (0)")
    add_model(parser)
    add_output(parser, out="the file to write, a PNG (edit.png)", folder="edits")
    add_max_megapixels(parser)
    return parser


def _check(words: argparse.Namespace) -> str:
    """Refuse words that contradict each other, set defaults, and return the kind of edit."""
    kinds = {
        "--mask": words.mask is not None,
        "--from": words.from_caption is not None,
        "--variations": words.variations,
    }
    kind = only_kind(kinds, "edit")
    if len(words.captions) > 1:
        count = len(words.captions)
        raise ConfigError(f"edit takes one caption, got {count}: put a caption in quotes")
    if not words.captions and kind != "--variations":
        raise ConfigError('edit needs a caption, as in textgan edit IMAGE "a caption"')
    words.caption = words.captions[0] if words.captions else ""
    effects = (
        ("number", 4, _DRAWN),
        ("seed", 0, _DRAWN),
        ("strength", None, ("", "--from", "--variations")),
    )
    settle(words, kind, effects)
    if words.number < 1:
        raise ConfigError(f"--number must be at least 1, got {words.number}")
    words.out = output_path(words, stem="edit", folder="edits")
    return kind


def _read(path: str, name: str, *, channels: int, **options: Any) -> "Image.Image":
    """Read an image in its own size; raise a ConfigError with its name if it cannot be read."""
    from textgan.image.file import UnreadableImageError, read_image

    try:
        return read_image(path, None, channels, resize=lambda image: image, **options)
    except UnreadableImageError as error:
        raise ConfigError(f"{name} {path!r} cannot be read: {error}") from error


def _strength(pipeline: "Pipeline", ability: str, given: float | None, kind: str) -> float | None:
    """Return the strength, or the default of the pipeline's method; None if it takes no strength.

    It raises ConfigError if a strength is given that the method does not take.
    """
    taken = inspect.signature(getattr(pipeline, ability)).parameters.get("strength")
    if taken is None and given is not None:
        model = type(pipeline).__name__
        raise ConfigError(f"--strength has no effect with {kind} and a {model}")
    return taken.default if taken is not None and given is None else given


def _results(
    pipeline: "Pipeline",
    words: argparse.Namespace,
    kind: str,
    image: "Image.Image",
    mask: "Image.Image | None",
    options: dict[str, float],
) -> "Tensor":
    """Change the image in the way that the kind names -> (B, C, H, W) in [-1, 1]."""
    options = {**options, "output_type": "pt"}
    if words.strength is not None:
        options["strength"] = words.strength
    if kind == "--from":
        return pipeline.edit(image, words.from_caption, words.caption, **options).images
    options |= {"number": words.number, "seed": words.seed}
    if kind == "--mask":
        return pipeline.inpaint(image, mask, words.caption, **options).images
    draw = pipeline.variations if kind == "--variations" else pipeline.image_to_image
    return draw(image, words.caption, **options).images


def _facts(
    pipeline: "Pipeline", words: argparse.Namespace, kind: str, options: dict[str, float]
) -> dict[str, object]:
    """Return how the results were drawn: the kind of edit, seed, model and settings."""
    facts: dict[str, object] = {"edit": _TAKES[kind]}
    if kind == "--from":
        facts["from_caption"] = words.from_caption
    else:
        facts["seed"] = words.seed
    if words.strength is not None:
        facts["strength"] = words.strength
    return facts | model_facts(pipeline, options)


def _write_each(
    results: "Tensor", words: argparse.Namespace, kind: str, facts: dict[str, object] | None
) -> None:
    """Write each result at its own size into the folder `--out`."""
    from textgan.caption.file_name import file_name
    from textgan.image import save_png, to_pil

    for number, result in enumerate(results):
        place = {"key": [words.seed, 0, number]} if kind in _DRAWN else {}
        path = words.out / f"{number:03d}_{file_name(words.caption)}.png"
        save_png(to_pil(result), path, texts=png_texts(facts, [words.caption], **place))


def _write_grid(
    results: "Tensor",
    words: argparse.Namespace,
    image: "Image.Image",
    facts: dict[str, object] | None,
) -> None:
    """Write the given square and the results beside it into one file."""
    import torch

    from textgan.image import captioned_grid, save_png
    from textgan.pipeline.given import given_image

    square = given_image(image, results.shape[-1], results.shape[1])
    images = torch.cat([square[None], results.cpu()])
    before = Path(words.image).name if words.from_caption is None else words.from_caption
    captions = [before, *[words.caption] * len(results)]
    grid = captioned_grid(images, captions, columns=len(images))
    save_png(grid, words.out, texts=png_texts(facts, [words.caption]))
