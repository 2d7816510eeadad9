"""Convert a checkpoint to a pipeline folder, for use and for sharing."""

from textgan.command._model import add_trust, open_model
from textgan.command._parser import Parser
from textgan.file.home import expanded


def main(argv: list[str]) -> int:
    """`textgan save CHECKPOINT FOLDER`: save only the parts that a pipeline uses."""
    parser = Parser("textgan save", description=__doc__)
    parser.add_argument("checkpoint", type=expanded, help="a .ckpt file, or a run folder")
    parser.add_argument("folder", type=expanded, help="the folder to write")
    add_trust(parser)
    words = parser.parse_args(argv)

    from textgan.run.next_command import next_command

    pipeline = open_model(words.checkpoint, trust=words.trust, pretrained=words.pretrained)
    pipeline.to("cpu").save_pretrained(words.folder)
    if (command := next_command(pipeline, words.folder)) is not None:
        print(f"next: {command}")
    return 0
