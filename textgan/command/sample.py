"""Draw captions and write a picture of them."""

import argparse

from textgan.command._model import HELP, open_model
from textgan.errors import ConfigError


def main(argv: list[str]) -> int:
    """`textgan sample "a caption" ["another" ...]`: a row of draws for each caption, in one PNG."""
    parser = argparse.ArgumentParser("textgan sample", description=__doc__)
    parser.add_argument("captions", nargs="+", metavar="CAPTION", help="what to draw")
    parser.add_argument("--model", help=HELP)
    parser.add_argument("--seed", type=int, default=0, help="decides the noise (0)")
    parser.add_argument("--number", type=int, default=4, help="draws of each caption (4)")
    parser.add_argument(
        "--guidance_scale",
        type=float,
        default=1.0,
        help="above 1 it exaggerates what the caption says (1.0)",
    )
    parser.add_argument("--out", default="sample.png", help="the file to write (sample.png)")
    words = parser.parse_args(argv)
    if words.number < 1:
        raise ConfigError(f"--number must be at least 1, got {words.number}")

    from textgan.image import captioned_grid, save_png
    from textgan.pipeline import TextToImagePipeline

    pipeline = open_model(words.model, TextToImagePipeline)
    try:
        images = pipeline(
            words.captions,
            num_images_per_prompt=words.number,
            seed=words.seed,
            guidance_scale=words.guidance_scale,
            output_type="pt",
        ).images
    except (ValueError, FloatingPointError) as error:
        raise ConfigError(str(error)) from error
    captions = [caption for caption in words.captions for _ in range(words.number)]
    try:
        save_png(captioned_grid(images, captions, columns=words.number), words.out)
    except OSError as error:
        raise ConfigError(f"--out {words.out!r} cannot be written: {error.strerror}") from error
    print(words.out)
    return 0
