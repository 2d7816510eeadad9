"""Turn a checkpoint into a pipeline folder, to use and to hand on."""

import argparse

from textgan.command._model import open_model


def main(argv: list[str]) -> int:
    """`textgan save CHECKPOINT FOLDER`: what its use needs, without optimizers and critic."""
    parser = argparse.ArgumentParser("textgan save", description=__doc__)
    parser.add_argument("checkpoint", help="a .ckpt file, or a run folder")
    parser.add_argument("folder", help="the folder to write")
    words = parser.parse_args(argv)
    pipeline = open_model(words.checkpoint).to("cpu")
    pipeline.save_pretrained(words.folder)
    print(f"next: textgan {pipeline.next_command} --model {words.folder}")
    return 0
