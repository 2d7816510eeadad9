"""Export a pipeline as one ONNX or torch.export graph, which can also generate without textgan."""

from textgan.command._model import add_model, open_model
from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.home import expanded


def main(argv: list[str]) -> int:
    """`textgan export FOLDER`: write graph, tokenizer and export.json to FOLDER, and check them."""
    parser = Parser("textgan export", description=__doc__)
    parser.add_argument(
        "folder", type=expanded, metavar="FOLDER", help="the folder to write, new or empty"
    )
    add_model(parser)
    parser.add_argument(
        "--format",
        choices=["onnx", "torch"],
        default="onnx",
        help="onnx writes model.onnx (the default), torch writes model.pt2 for torch.export.load, "
        "which can run any code: never open one from an untrusted source",
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="store weights of matrix products in 8 bits: a smaller file, slightly other images",
    )
    words = parser.parse_args(argv)

    from textgan.export import export_pipeline

    pipeline = open_model(words.model, "one_graph", trust=words.trust, pretrained=words.pretrained)
    try:
        info = export_pipeline(pipeline, words.folder, format=words.format, int8=words.int8)
    except (TypeError, ValueError, FileExistsError) as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"{words.folder!r} cannot be written: {error.strerror}") from error
    print(
        f"{words.folder}: pixels, in [-1, 1], differ from the pipeline's by at most "
        f"{info.greatest_difference:.1g}, by {info.mean_difference:.1g} on average"
    )
    chosen = "" if words.format == "onnx" else f', format="{words.format}"'
    opened = f'textgan.export.ExportedPipeline("{words.folder}"{chosen})'
    print(f'next, in Python: {opened}("a caption")')
    return 0
