"""Generate images of captions and write them into one file."""

import argparse
from typing import TYPE_CHECKING

from textgan.command._metadata import model_facts, png_texts
from textgan.command._model import add_model, open_model
from textgan.command._options import declared_options, only_kind, own_options, settle
from textgan.command._output import add_output, drawing, output_path
from textgan.command._parser import Parser
from textgan.errors import ConfigError
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
    if words.negative_prompt is not None and "negative_prompt" not in pipeline.abilities:
        kind_of_model = type(pipeline).__name__
        raise ConfigError(f"--negative_prompt has no effect on a {kind_of_model}")
    pipeline = _cascade(pipeline, words)
    options = own_options(pipeline, words.unknown, _TAKES[kind], kind, parser)
    out = words.out
    with drawing(out):
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
    print(out)
    return 0


def _parser(argv: list[str]) -> Parser:
    parser = Parser(
        "textgan sample",
        description=f'{__doc__} In "a (red:1.5) circle" the word has a higher weight, in '
        '"a (red:0.5) circle" a lower one.',
        epilog=declared_options(["sample"]) if {"-h", "--help"} & {*argv} else None,
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
        "--negative_prompt",
        metavar="CAPTION",
        help="what the images shall not show; of diffusion models with a guidance_scale above 1",
    )
    add(
        "--upsampler",
        type=expanded,
        action="append",
        metavar="MODEL",
        help="a model that draws larger versions of the samples; several follow one another. Its "
        "own options begin with upsampler_ and the size of its images, such as "
        "--upsampler_64_noise_level",
    )
    add(
        "--attention", action="store_true", help="maps of the first sample's attention to each word"
    )
    add("--to", metavar="CAPTION", help="an animation (GIF) from one caption to this one")
    add("--to_seed", type=int, metavar="SEED", help="an animation to this seed's noise")
    add("--frames", type=int, help="images of an animation (16)")
    add_output(
        parser,
        out="the file to write (sample.png, or sample.gif; frames in a row as .png)",
        folder="samples",
    )
    return parser


def _check(words: argparse.Namespace) -> str:
    """Refuse options that contradict each other, set defaults, and return the kind of output."""
    kinds = {
        "--rerank": words.rerank is not None,
        "--attention": words.attention,
        _ANIMATION: words.to is not None or words.to_seed is not None,
    }
    kind = only_kind(kinds, "output")
    if kind not in ("", "--rerank") and len(words.captions) > 1:
        count = len(words.captions)
        raise ConfigError(f"{kind} takes one caption, got {count}: put a caption in quotes")
    effects = (
        ("number", 4, ("", "--rerank")),
        ("same_noise", False, ("",)),
        ("raw", False, ("", "--rerank")),
        ("no_metadata", False, ("", "--rerank")),
        ("negative_prompt", None, ("", "--rerank")),
        ("upsampler", None, ("", "--rerank")),
        ("candidates", 16, ("--rerank",)),
        ("frames", 16, (_ANIMATION,)),
    )
    settle(words, kind, effects)
    if words.number < 1:
        raise ConfigError(f"--number must be at least 1, got {words.number}")
    endings = (".gif", ".png") if kind == _ANIMATION else (".png",)
    words.out = output_path(words, stem="sample", folder="samples", endings=endings)
    return kind


def _cascade(pipeline: "Pipeline", words: argparse.Namespace) -> "Pipeline":
    """Return the pipeline with the upsamplers after it."""
    from textgan.pipeline import CascadePipeline

    for path in words.upsampler or ():
        upsampler = open_model(path, "upsample", option="--upsampler", trust=words.trust)
        try:
            pipeline = CascadePipeline(pipeline, upsampler).eval()
        except ValueError as error:
            raise ConfigError(f"--upsampler {path!r}: {error}") from error
    return pipeline


def _write_samples(
    pipeline: "TextToImagePipeline", words: argparse.Namespace, options: dict[str, float]
) -> None:
    """Write a grid with a row of samples for each caption, or one file for each sample."""
    from textgan.caption.file_name import file_name
    from textgan.image import captioned_grid, save_png, to_pil

    images = _samples(pipeline, words, options)
    facts = None if words.no_metadata else _facts(pipeline, words, options)
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


def _facts(
    pipeline: "TextToImagePipeline", words: argparse.Namespace, options: dict[str, float]
) -> dict[str, object]:
    """Return how the samples were drawn: seed, model and settings."""
    model = model_facts(pipeline, options)
    facts = {"seed": words.seed, **model, "same_noise": words.same_noise}
    if words.negative_prompt is not None:
        facts |= {"negative_prompt": words.negative_prompt}
    if words.rerank is not None:
        facts |= {"reranked": True, "candidates": words.candidates}
    return facts


def _samples(
    pipeline: "TextToImagePipeline", words: argparse.Namespace, options: dict[str, float]
) -> "Tensor":
    """Sample `--number` images of each caption -> (B, C, H, W) in [-1, 1]."""
    from textgan.pipeline import rerank

    options = {**options, "num_images_per_prompt": words.number, "seed": words.seed}
    options |= {"output_type": "pt", "progress": True}
    if words.negative_prompt is not None:
        options["negative_prompt"] = words.negative_prompt
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
