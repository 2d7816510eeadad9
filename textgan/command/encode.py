"""Encode the images of a folder as codes or latents, by an autoencoder."""

import sys
import warnings
from pathlib import Path

from textgan.command._model import add_max_megapixels, add_model, open_model
from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.home import expanded


def main(argv: list[str]) -> int:
    """`textgan encode FOLDER FILE`: write one .safetensors file; `textgan decode` reads it."""
    parser = Parser("textgan encode", description=__doc__)
    parser.add_argument(
        "folder", type=expanded, metavar="FOLDER", help="a folder of images, also in sub-folders"
    )
    parser.add_argument("file", type=expanded, metavar="FILE", help="the .safetensors to write")
    add_model(parser)
    parser.add_argument("--follow_links", action="store_true", help="follow links in the folder")
    add_max_megapixels(parser)
    words = parser.parse_args(argv)
    file = Path(words.file)
    if file.suffix != ".safetensors":
        raise ConfigError(f"FILE must end in .safetensors, got {words.file!r}")

    pipeline = open_model(words.model, "encode", trust=words.trust, pretrained=words.pretrained)
    try:
        with warnings.catch_warnings(record=True) as warned:
            encoded = pipeline.encode_folder(
                words.folder, follow_links=words.follow_links, **words.limit
            )
        encoded.save(file)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"FILE {words.file!r} cannot be written: {error.strerror}") from error
    for warning in warned:
        print(warning.message, file=sys.stderr)
    what, each = (
        ("codes", f", {pipeline.bits:,.0f} bits each") if pipeline.bits else ("latents", "")
    )
    print(f"{file}: {what} of {len(encoded.names):,} images{each}")
    return 0
