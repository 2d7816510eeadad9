"""Decode the codes or latents of `textgan encode` to images."""

from pathlib import Path

from textgan.command._model import add_model, open_model
from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.home import expanded


def main(argv: list[str]) -> int:
    """`textgan decode FILE FOLDER`: write a PNG for each encoded image, under its name."""
    parser = Parser("textgan decode", description=__doc__)
    parser.add_argument(
        "file", type=expanded, metavar="FILE", help="a .safetensors by textgan encode"
    )
    parser.add_argument("folder", type=expanded, metavar="FOLDER", help="the folder to write")
    add_model(parser)
    words = parser.parse_args(argv)

    from textgan.pipeline.encoded import EncodedImages

    encoded = EncodedImages.load(Path(words.file))
    pipeline = open_model(words.model, "encode", trust=words.trust, pretrained=words.pretrained)
    try:
        written = pipeline.decode_folder(encoded, words.folder)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{words.file} does not fit the model: {error}") from error
    except OSError as error:
        raise ConfigError(f"FOLDER {words.folder!r} cannot be written: {error.strerror}") from error
    print(f"{words.folder}: {len(written):,} images")
    return 0
