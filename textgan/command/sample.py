"""Draw captions and write a picture of them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from textgan.command._model import HELP, add_trust, open_model
from textgan.command._parser import Parser
from textgan.errors import ConfigError, did_you_mean
from textgan.file.atomic import whole
from textgan.file.home import expanded

if TYPE_CHECKING:
    from PIL import Image

    from textgan.pipeline import Pipeline, TextToImagePipeline

_ANIMATION = "--to or --to_seed"
# kind of picture -> the ability that it takes
_TAKES = {"": "sample", "--rerank": "sample", "--attention": "attention", _ANIMATION: "interpolate"}


def main(argv: list[str]) -> int:
    """`textgan sample "a caption" ["another" ...]`: a row of draws for each caption, in one PNG."""
    parser = _parser()
    words = parser.parse_args(argv)
    kind = _check(words)

    from textgan.image import gif, save_png

    pipeline = open_model(words.model, _TAKES[kind], trust=words.trust, pretrained=words.pretrained)
    options = _options(pipeline, words.unknown, kind, parser)
    out = words.out
    try:
        if kind != _ANIMATION:
            draw = _attention if kind == "--attention" else _grid
            save_png(draw(pipeline, words, options), out)
        elif out.suffix.lower() == ".gif":
            out.parent.mkdir(parents=True, exist_ok=True)
            with whole(out) as beside:
                beside.write_bytes(gif(_frames(pipeline, words, options)))
        else:
            save_png(_side_by_side(_frames(pipeline, words, options)), out)
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
        epilog="Options that the model itself declares are given alike: those of a GAN are "
        "--truncation (0 to 1, below 1 likelier and more alike) and --guidance_scale. One that "
        "the model has not is answered with those that it has.",
        keeps_unknown=True,
    )
    add = parser.add_argument
    add("captions", nargs="+", metavar="CAPTION", help="what to draw")
    add("--model", type=expanded, help=HELP)
    add_trust(parser)
    add("--seed", type=int, default=0, help="decides the noise (0)")
    add("--number", type=int, help="draws of each caption (4)")
    add("--same_noise", action="store_true", help="one noise for all captions of a column")
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
    add("--frames", type=int, help="pictures of an animation (16)")
    add(
        "--out",
        type=expanded,
        help="the file to write (sample.png, or sample.gif; frames in a row as .png)",
    )
    return parser


def _check(words: argparse.Namespace) -> str:
    """Refuse what does not go together, and fill in what was left out -> the kind of picture."""
    kinds = {
        "--rerank": words.rerank is not None,
        "--attention": words.attention,
        _ANIMATION: words.to is not None or words.to_seed is not None,
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
        ("frames", 16, (_ANIMATION,)),
    ):
        given = getattr(words, option)
        if kind not in belongs and given not in (None, False):
            beside = f"beside {kind}" if kind else f"without {' or '.join(filter(None, belongs))}"
            raise ConfigError(f"--{option} says nothing {beside}")
        setattr(words, option, default if given is None else given)
    if words.number < 1:
        raise ConfigError(f"--number must be at least 1, got {words.number}")
    endings = (".gif", ".png") if kind == _ANIMATION else (".png",)
    words.out = Path(words.out or f"sample{endings[0]}")
    if words.out.suffix.lower() not in endings:
        raise ConfigError(f"--out must end in {' or '.join(endings)}, got {str(words.out)!r}")
    return kind


def _options(
    pipeline: "Pipeline", given: dict[str, str], kind: str, parser: Parser
) -> dict[str, float]:
    """The pipeline's own options, name -> value, as they were given.

    Raises:
        ConfigError: the pipeline has no such option, the ability that the kind of picture takes
            has none, or the value is no number.
    """
    values, declared = {}, {option.name: option for option in pipeline.options}
    for word, text in given.items():
        names = [word] if word in declared else [n for n in declared if n.startswith(word)]
        if len(names) != 1:
            own = [f"--{name}" for name in declared]
            near = did_you_mean(f"--{word}", [*parser.options, *own])
            has = f"has {' and '.join(own) or 'no options of its own'}"
            model = type(pipeline).__name__
            raise ConfigError(f"no such option: '--{word}'; this {model} {has}{near}")
        option = declared[names[0]]
        if _TAKES[kind] not in ("sample", *option.also):
            raise ConfigError(f"--{option.name} says nothing beside {kind}")
        try:
            values[option.name] = option.parse(text)
        except ValueError as error:
            raise ConfigError(f"--{error}") from error
    return values


def _grid(
    pipeline: "TextToImagePipeline", words: argparse.Namespace, options: dict[str, float]
) -> "Image.Image":
    """A row of draws for each caption."""
    from textgan.image import captioned_grid
    from textgan.pipeline import rerank

    options = {
        **options,
        "num_images_per_prompt": words.number,
        "seed": words.seed,
        "output_type": "pt",
        "progress": True,
    }
    if words.rerank is not None:
        judge = open_model(words.rerank, "compare", option="--rerank", trust=words.trust)
        candidates = words.candidates
        images = rerank(pipeline, judge, words.captions, candidates=candidates, **options).images
    else:
        indices = [0] * len(words.captions) if words.same_noise else None
        images = pipeline(words.captions, indices=indices, **options).images
    captions = [caption for caption in words.captions for _ in range(words.number)]
    return captioned_grid(images, captions, columns=words.number)


def _frames(
    pipeline: "Pipeline", words: argparse.Namespace, options: dict[str, float]
) -> "list[Image.Image]":
    """What lies between two captions or two noises."""
    return pipeline.interpolate(
        words.captions[0],
        words.to,
        frames=words.frames,
        seed=words.seed,
        end_seed=words.to_seed,
        progress=True,
        **options,
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


def _attention(
    pipeline: "TextToImagePipeline", words: argparse.Namespace, options: dict[str, float]
) -> "Image.Image":
    """The first draw, then for each word the same under the heat of where it was looked at."""
    import torch

    from textgan.caption.prompt import parse
    from textgan.image import captioned_grid, from_pil, on_white
    from textgan.image.heat import overlay

    caption, seed = words.captions[0], words.seed
    image = pipeline(caption, seed=seed, **options).images[0]
    found = pipeline.attention(caption, seed=seed, **options)
    pictures = [on_white(image), *(overlay(image, word.map.numpy()) for word in found)]
    captions = [parse(caption).text, *(word.word for word in found)]
    tensors = torch.stack([from_pil(picture) for picture in pictures])
    return captioned_grid(tensors, captions, columns=8)
