"""Generate images of captions and write them into one file."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from textgan.command._metadata import drawing_facts, png_texts
from textgan.command._model import add_model, open_model
from textgan.command._parser import Parser
from textgan.errors import ConfigError, did_you_mean
from textgan.file.atomic import whole
from textgan.file.home import expanded

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from textgan.pipeline import Pipeline, TextToImagePipeline

_ANIMATION = "--to or --to_seed"
# kind of output -> the ability that it needs
_TAKES = {"": "sample", "--rerank": "sample", "--attention": "attention", _ANIMATION: "interpolate"}


def main(argv: list[str]) -> int:
    """`textgan sample "a caption" ["another" ...]`: write a row of samples for each caption."""
    parser = _parser(argv)
    words = parser.parse_args(argv)
    kind = _check(words)

    from textgan.caption.prompt import parse
    from textgan.image import gif, save_png

    try:
        captions = [parse(caption).text for caption in (*words.captions, words.to) if caption]
    except ValueError as error:
        raise ConfigError(str(error)) from error
    pipeline = open_model(
        words.model,
        _TAKES[kind],
        trust=words.trust,
        pretrained=words.pretrained,
        captions=captions,
    )
    options = _options(pipeline, words.unknown, kind, parser)
    out = words.out
    try:
        if kind == "--attention":
            save_png(_attention(pipeline, words, options), out)
        elif kind != _ANIMATION:
            _write_samples(pipeline, words, options)
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


def _parser(argv: list[str]) -> Parser:
    parser = Parser(
        "textgan sample",
        description=f'{__doc__} In "a (red:1.5) circle" the word has a higher weight, in '
        '"a (red:0.5) circle" a lower one.',
        epilog=_declared_options() if {"-h", "--help"} & {*argv} else None,
        keeps_unknown=True,
    )
    add = parser.add_argument
    add("captions", nargs="+", metavar="CAPTION", help="the text of an image")
    add_model(parser)
    add("--seed", type=int, default=0, help="seed of the noise (0)")
    add("--number", type=int, help="samples per caption (4)")
    add("--same_noise", action="store_true", help="the same noise for all captions of a column")
    add(
        "--rerank",
        type=expanded,
        metavar="MODEL",
        help="a contrastive model, or a DALL-E, that selects the best of --candidates",
    )
    add("--candidates", type=int, help="samples per caption to select from (16)")
    add(
        "--attention", action="store_true", help="maps of the first sample's attention to each word"
    )
    add("--to", metavar="CAPTION", help="an animation (GIF) from one caption to this one")
    add("--to_seed", type=int, metavar="SEED", help="an animation to this seed's noise")
    add("--frames", type=int, help="images of an animation (16)")
    add(
        "--out",
        type=expanded,
        help="the file to write (sample.png, or sample.gif; frames in a row as .png)",
    )
    add(
        "--raw",
        action="store_true",
        help="write each sample at its own size into the folder --out (samples)",
    )
    add(
        "--no_metadata",
        action="store_true",
        help="leave caption, seed, settings and model out of the PNG files",
    )
    return parser


def _declared_options() -> str:
    """Describe the options that each kind of pipeline declares; it imports torch."""
    from textgan import pipeline

    classes = [cls for cls in vars(pipeline).values() if isinstance(cls, type)]
    declared = [(cls.__name__, option) for cls in classes for option in getattr(cls, "options", ())]
    listed = [f"--{o.name} of a {name} ({o.help} Default: {o.default:g})" for name, o in declared]
    return f"A model's own options are given in the same way: {', '.join(listed)}."


def _check(words: argparse.Namespace) -> str:
    """Refuse options that contradict each other, set defaults, and return the kind of output."""
    kinds = {
        "--rerank": words.rerank is not None,
        "--attention": words.attention,
        _ANIMATION: words.to is not None or words.to_seed is not None,
    }
    chosen = [name for name, is_chosen in kinds.items() if is_chosen]
    if len(chosen) > 1:
        raise ConfigError(f"{chosen[0]} cannot be used with {chosen[1]}: choose one kind of output")
    kind = chosen[0] if chosen else ""
    if kind not in ("", "--rerank") and len(words.captions) > 1:
        count = len(words.captions)
        raise ConfigError(f"{kind} takes one caption, got {count}: put a caption in quotes")
    for option, default, belongs in (
        ("number", 4, ("", "--rerank")),
        ("same_noise", False, ("",)),
        ("raw", False, ("", "--rerank")),
        ("no_metadata", False, ("", "--rerank")),
        ("candidates", 16, ("--rerank",)),
        ("frames", 16, (_ANIMATION,)),
    ):
        given = getattr(words, option)
        if kind not in belongs and given not in (None, False):
            where = f"with {kind}" if kind else f"without {' or '.join(filter(None, belongs))}"
            raise ConfigError(f"--{option} has no effect {where}")
        setattr(words, option, default if given is None else given)
    if words.number < 1:
        raise ConfigError(f"--number must be at least 1, got {words.number}")
    if words.raw:
        words.out = Path(words.out or "samples")
        if words.out.is_file():
            raise ConfigError(
                f"--out must be a folder with --raw, and {str(words.out)!r} is a file"
            )
        return kind
    endings = (".gif", ".png") if kind == _ANIMATION else (".png",)
    words.out = Path(words.out or f"sample{endings[0]}")
    if words.out.suffix.lower() not in endings:
        raise ConfigError(f"--out must end in {' or '.join(endings)}, got {str(words.out)!r}")
    return kind


def _options(
    pipeline: "Pipeline", given: dict[str, str], kind: str, parser: Parser
) -> dict[str, float]:
    """Return the options of the pipeline itself, name -> value; raise ConfigError for others."""
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
            raise ConfigError(f"--{option.name} has no effect with {kind}")
        try:
            values[option.name] = option.parse(text)
        except ValueError as error:
            raise ConfigError(f"--{error}") from error
    return values


def _write_samples(
    pipeline: "TextToImagePipeline", words: argparse.Namespace, options: dict[str, float]
) -> None:
    """Write a grid with a row of samples for each caption, or one file for each sample."""
    from textgan.caption.file_name import file_name
    from textgan.image import captioned_grid, save_png, to_pil

    images = _samples(pipeline, words, options)
    facts = None if words.no_metadata else drawing_facts(pipeline, words, options)
    if not words.raw:
        captions = [caption for caption in words.captions for _ in range(words.number)]
        grid = captioned_grid(images, captions, columns=words.number)
        save_png(grid, words.out, texts=png_texts(facts, words.captions))
        return
    for row, caption in enumerate(words.captions):
        for number in range(words.number):
            key = [words.seed, 0 if words.same_noise else row, number]
            place = {"rank": number} if words.rerank else {"key": key}
            path = words.out / f"{row:03d}_{number:03d}_{file_name(caption)}.png"
            texts = png_texts(facts, [caption], **place)
            save_png(to_pil(images[row * words.number + number]), path, texts=texts)


def _samples(
    pipeline: "TextToImagePipeline", words: argparse.Namespace, options: dict[str, float]
) -> "Tensor":
    """Sample `--number` images of each caption -> (B, C, H, W) in [-1, 1]."""
    from textgan.pipeline import rerank

    options = {**options, "num_images_per_prompt": words.number, "seed": words.seed}
    options |= {"output_type": "pt", "progress": True}
    if words.rerank is not None:
        judge = open_model(words.rerank, "rank", option="--rerank", trust=words.trust)
        candidates = words.candidates
        return rerank(pipeline, judge, words.captions, candidates=candidates, **options).images
    indices = [0] * len(words.captions) if words.same_noise else None
    return pipeline(words.captions, indices=indices, **options).images


def _frames(
    pipeline: "Pipeline", words: argparse.Namespace, options: dict[str, float]
) -> "list[Image.Image]":
    """Return the images of an animation between two captions or two noises."""
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
    """Return the first sample, and for each word the sample under its attention map."""
    import torch

    from textgan.caption.prompt import parse
    from textgan.image import captioned_grid, from_pil, on_white
    from textgan.image.heat import overlay

    caption, seed = words.captions[0], words.seed
    image = pipeline(caption, seed=seed, **options).images[0]
    found = pipeline.attention(caption, seed=seed, **options)
    images = [on_white(image), *(overlay(image, word.map.numpy()) for word in found)]
    captions = [parse(caption).text, *(word.word for word in found)]
    tensors = torch.stack([from_pil(frame) for frame in images])
    return captioned_grid(tensors, captions, columns=8)
