"""Turn a checkpoint into a pipeline folder, to draw with and to hand on."""

import argparse

from textgan.command._model import open_model


def main(argv: list[str]) -> int:
    """`textgan save CHECKPOINT FOLDER`: what drawing needs, without optimizers and critic."""
    parser = argparse.ArgumentParser("textgan save", description=__doc__)
    parser.add_argument("checkpoint", help="a .ckpt file, or a run folder")
    parser.add_argument("folder", help="the folder to write")
    words = parser.parse_args(argv)
    open_model(words.checkpoint).to("cpu").save_pretrained(words.folder)
    print(f'next: textgan sample "a caption" --model {words.folder}')
    return 0
