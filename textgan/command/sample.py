"""Draw captions and write a picture of them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from textgan.command._model import HELP, add_trust, open_model
from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.atomic import whole
from textgan.file.home import expanded

if TYPE_CHECKING:
    from PIL import Image

    from textgan.pipeline import GANPipeline, TextToImagePipeline


def main(argv: list[str]) -> int:
    """`textgan sample "a caption" ["another" ...]`: a row of draws for each caption, in one PNG."""
    words = _parser().parse_args(argv)
    _check(words)

    from textgan.image import gif, save_png
    from textgan.pipeline import GANPipeline, TextToImagePipeline

    animated = words.to is not None or words.to_seed is not None
    needs_gan = animated or words.attention
    kind = GANPipeline if needs_gan else TextToImagePipeline
    pipeline = open_model(words.model, kind, trust=words.trust, pretrained=words.pretrained)
    out = words.out
    try:
        if not animated:
            picture = _attention(pipeline, words) if words.attention else _grid(pipeline, words)
            save_png(picture, out)
        elif out.suffix.lower() == ".gif":
            out.parent.mkdir(parents=True, exist_ok=True)
            with whole(out) as beside:
                beside.write_bytes(gif(_frames(pipeline, words)))
        else:
            save_png(_side_by_side(_frames(pipeline, words)), out)
    except (ValueError, FloatingPointError) as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"--out {str(out)!r} cannot be written: {error.strerror}") from error
    print(out)
    return 0


def _parser() -> Parser:
    parser = Parser(
        "textgan sample",
        description=f'{__doc__} In "a (red:1.5) circle" a word counts for more, in "(red:0.5)" '
        "for less.",
    )
    add = parser.add_argument
    add("captions", nargs="+", metavar="CAPTION", help="what to draw")
    add("--model", type=expanded, help=HELP)
    add_trust(parser)
    add("--seed", type=int, default=0, help="decides the noise (0)")
    add("--number", type=int, help="draws of each caption (4)")
    add("--same_noise", action="store_true", help="one noise for all captions of a column")
    add("--truncation", type=float, default=1.0, help="0 to 1: below 1 likelier, more alike (1)")
    guidance = "above 1 it exaggerates what the caption says (1.0)"
    add("--guidance_scale", type=float, help=guidance)
    add(
        "--rerank",
        type=expanded,
        metavar="MODEL",
        help="a contrastive model that chooses among --candidates",
    )
    add("--candidates", type=int, help="draws of each caption to choose among (16)")
    add("--attention", action="store_true", help="where the first draw looked at each word")
    add("--to", metavar="CAPTION", help="an animation (GIF) from one caption to this one")
    add("--to_seed", type=int, metavar="SEED", help="an animation to this seed's noise")
    add("--steps", type=int, help="pictures of an animation (16)")
    add(
        "--out",
        type=expanded,
        help="the file to write (sample.png, or sample.gif; frames in a row as .png)",
    )
    return parser


def _check(words: argparse.Namespace) -> None:
    """Refuse what does not go together, and fill in what was left out."""
    kinds = {
        "--rerank": words.rerank is not None,
        "--attention": words.attention,
        "--to or --to_seed": words.to is not None or words.to_seed is not None,
    }
    chosen = [name for name, is_chosen in kinds.items() if is_chosen]
    if len(chosen) > 1:
        raise ConfigError(f"{chosen[0]} cannot stand beside {chosen[1]}: they are other pictures")
    kind = chosen[0] if chosen else ""
    if kind not in ("", "--rerank") and len(words.captions) > 1:
        count = len(words.captions)
        raise ConfigError(f"{kind} starts from one caption, got {count}: quote it whole")
    for option, default, belongs in (
        ("number", 4, ("", "--rerank")),
        ("same_noise", False, ("",)),
        ("candidates", 16, ("--rerank",)),
        ("steps", 16, ("--to or --to_seed",)),
        ("guidance_scale", 1.0, ("", "--rerank", "--to or --to_seed")),
    ):
        given = getattr(words, option)
        if kind not in belongs and given not in (None, False):
            beside = f"beside {kind}" if kind else f"without {' or '.join(filter(None, belongs))}"
            raise ConfigError(f"--{option} says nothing {beside}")
        setattr(words, option, default if given is None else given)
    if words.number < 1:
        raise ConfigError(f"--number must be at least 1, got {words.number}")
    endings = (".gif", ".png") if kind == "--to or --to_seed" else (".png",)
    words.out = Path(words.out or f"sample{endings[0]}")
    if words.out.suffix.lower() not in endings:
        raise ConfigError(f"--out must end in {' or '.join(endings)}, got {str(words.out)!r}")


def _grid(pipeline: "TextToImagePipeline", words: argparse.Namespace) -> "Image.Image":
    """A row of draws for each caption."""
    from textgan.image import captioned_grid
    from textgan.pipeline import ContrastivePipeline, rerank

    options = {
        "num_images_per_prompt": words.number,
        "seed": words.seed,
        "truncation": words.truncation,
        "guidance_scale": words.guidance_scale,
        "output_type": "pt",
        "progress": True,
    }
    if words.rerank is not None:
        judge = open_model(words.rerank, ContrastivePipeline, option="--rerank", trust=words.trust)
        candidates = words.candidates
        images = rerank(pipeline, judge, words.captions, candidates=candidates, **options).images
    else:
        indices = [0] * len(words.captions) if words.same_noise else None
        images = pipeline(words.captions, indices=indices, **options).images
    captions = [caption for caption in words.captions for _ in range(words.number)]
    return captioned_grid(images, captions, columns=words.number)


def _frames(pipeline: "GANPipeline", words: argparse.Namespace) -> "list[Image.Image]":
    """What lies between two captions or two noises."""
    return pipeline.interpolate(
        words.captions[0],
        words.to,
        steps=words.steps,
        seed=words.seed,
        end_seed=words.to_seed,
        truncation=words.truncation,
        guidance_scale=words.guidance_scale,
        progress=True,
    ).images


def _side_by_side(frames: "list[Image.Image]") -> "Image.Image":
    from PIL import Image

    from textgan.image import enlarged

    frames = [enlarged(frame) for frame in frames]
    width, height = frames[0].size
    whole = Image.new(frames[0].mode, (width * len(frames), height))
    for place, frame in enumerate(frames):
        whole.paste(frame, (width * place, 0))
    return whole


def _attention(pipeline: "GANPipeline", words: argparse.Namespace) -> "Image.Image":
    """The first draw, then for each word the same under the heat of where it was looked at."""
    import torch

    from textgan.app.attention import overlay
    from textgan.image import captioned_grid, from_pil, on_white
    from textgan.pipeline.prompt import parse

    caption, seed, truncation = words.captions[0], words.seed, words.truncation
    image = pipeline(caption, seed=seed, truncation=truncation).images[0]
    found = pipeline.attention(caption, seed=seed, truncation=truncation)
    pictures = [on_white(image), *(overlay(image, word.map.numpy()) for word in found)]
    captions = [parse(caption).text, *(word.word for word in found)]
    tensors = torch.stack([from_pil(picture) for picture in pictures])
    return captioned_grid(tensors, captions, columns=8)
