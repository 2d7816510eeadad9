"""Turn a checkpoint into a pipeline folder, to use and to hand on."""

from textgan.command._model import add_trust, open_model
from textgan.command._parser import Parser
from textgan.file.home import expanded


def main(argv: list[str]) -> int:
    """`textgan save CHECKPOINT FOLDER`: what its use needs, without optimizers and critic."""
    parser = Parser("textgan save", description=__doc__)
    parser.add_argument("checkpoint", type=expanded, help="a .ckpt file, or a run folder")
    parser.add_argument("folder", type=expanded, help="the folder to write")
    add_trust(parser)
    words = parser.parse_args(argv)

    from textgan.run.next_command import next_command

    pipeline = open_model(words.checkpoint, trust=words.trust, pretrained=words.pretrained)
    pipeline = pipeline.to("cpu")
    pipeline.save_pretrained(words.folder)
    if (command := next_command(pipeline, words.folder)) is not None:
        print(f"next: {command}")
    return 0
