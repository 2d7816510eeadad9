"""Save a trained pipeline as a bundled model, with its evaluation and model card.

    python experiments/box.py shapes RUN/pipeline EVALUATION/evaluation.json textgan/weights/shapes
    python experiments/box.py emoji RUN/pipeline EVALUATION/evaluation.json textgan/weights/emoji \\
        --shares SHARES/evaluation.json

EVALUATION is the folder of `textgan test`, and SHARES that of experiments/emoji64/evaluate.py.
"""

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from textgan.pipeline import Card, TextToImagePipeline


@dataclass(frozen=True)
class Box:
    """What the card of a bundled model says.

    Attributes:
        captions: of its grid and of the page's examples.
        data: the training data and their terms.
        licence: of the weights.
        command: the command of the training.
    """

    captions: tuple[str, ...]
    data: str
    licence: str
    command: str


BOXES = {
    "shapes": Box(
        captions=(
            "a large red circle above a small blue square on a white background",
            "a small yellow star on a navy background",
            "a large green ring left of a large pink triangle on a black background",
            "a small orange cross below a large cyan circle on a gray background",
            "a large pink square on a white background",
            "a small blue star right of a small red ring on a gray background",
            "a large cyan triangle above a large orange star on a navy background",
            "a small green square on a black background",
        ),
        data=(
            "scenes of one or two objects, rendered by `textgan.data.Shapes` at 32 px "
            "(`data.spread=0.5`); some pairs of colour and shape are never trained on"
        ),
        licence="mit",
        command="textgan fit experiment=demo    # seed 0",
    ),
    "emoji": Box(
        captions=(
            "construction worker with dark skin tone",
            "grinning face",
            "woman running with medium skin tone",
            "red apple",
            "octopus",
            "red heart",
            "fire engine",
            "tiger face",
            "sunflower",
            "pizza",
            "full moon",
            "rose",
        ),
        data=(
            "3,210 images of Noto Emoji (Google; Apache License 2.0, flags in the public domain) "
            "at 64 px, with their names and keywords of Unicode CLDR (Unicode License). 86 images "
            "of 40 pairs of concept and skin tone were never trained on; the first caption above "
            "is one of them. The model has learned the emoji by heart: its samples are "
            "reproductions of these images, and derived works of Noto Emoji"
        ),
        licence="apache-2.0",
        command="textgan fit experiment=emoji64 trainer.precision=bf16-mixed    # seed 0",
    ),
}
_ROWS = {"train": "training captions", "held_out": "captions of pairs that were never trained on"}


def shares_table(file: Path) -> str:
    """The shares of experiments/emoji64/evaluate.py, as a section of the card."""
    report = json.loads(file.read_text(encoding="utf-8"))
    lines = ["| captions | n | concept | skin tones | both |", "|" + "---|" * 5]
    for key, name in _ROWS.items():
        part = report[key]
        cells = [f"{100 * part[asked]['share']:.1f} %" for asked in ("concept", "tones", "both")]
        lines.append(f"| {name} | {part['n']} | {' | '.join(cells)} |")
    return (
        "\nThe images of these numbers are the training images. How often the real image nearest "
        "to a sample, in "
        f"{report['nearest_in']}, has what the caption says "
        f"(`experiments/emoji64/evaluate.py`, seed {report['seed']}):\n\n" + "\n".join(lines) + "\n"
    )


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=BOXES)
    for name in ("pipeline", "evaluation", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--shares", type=Path, help="evaluation.json of evaluate.py, for emoji")
    words = parser.parse_args()
    box = BOXES[words.name]
    pipeline = TextToImagePipeline.from_pretrained(words.pipeline)
    pipeline.save_pretrained(words.folder)
    shutil.copy(words.evaluation, words.folder / "evaluation.json")
    card = Card(
        captions=box.captions,
        name=words.name,
        evaluation=words.evaluation,
        data=box.data,
        licence=box.licence,
        command=box.command,
    )
    file = pipeline.save_card(words.folder, card)
    text, constant = file.read_text(encoding="utf-8"), words.name.upper()
    text = text.replace(f'from_pretrained("{words.name}")', f"from_pretrained({constant})")
    text = text.replace(
        "import TextToImagePipeline",
        f"import TextToImagePipeline\nfrom textgan.weights import {constant}",
        1,
    )
    if words.shares is not None:
        text += shares_table(words.shares)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
