"""Put a pipeline of the demo's into the box, with its evaluation, examples and card.

python experiments/demo/box.py RUN/pipeline EVALUATION/evaluation.json textgan/weights/shapes
"""

import argparse
import shutil
from pathlib import Path

from textgan.pipeline import TextToImagePipeline

CAPTIONS = (
    "a large red circle above a small blue square on a white background",
    "a small yellow star on a navy background",
    "a large green ring left of a large pink triangle on a black background",
    "a small orange cross below a large cyan circle on a gray background",
    "a large pink square on a white background",
    "a small blue star right of a small red ring on a gray background",
    "a large cyan triangle above a large orange star on a navy background",
    "a small green square on a black background",
)
DATA = (
    "scenes of one or two objects, drawn by `textgan.data.Shapes` at 32 px (`data.spread=0.5`); "
    "some pairs of colour and shape are never trained on"
)


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("pipeline", "evaluation", "folder"):
        parser.add_argument(name, type=Path)
    words = parser.parse_args()
    pipeline = TextToImagePipeline.from_pretrained(words.pipeline)
    pipeline.save_pretrained(words.folder)
    shutil.copy(words.evaluation, words.folder / "evaluation.json")
    (words.folder / "examples.txt").write_text("\n".join(CAPTIONS) + "\n", encoding="utf-8")
    pipeline.save_card(
        words.folder,
        captions=CAPTIONS,
        name="textgan/weights/shapes",
        evaluation=words.evaluation,
        data=DATA,
        licence="mit",
        command="textgan fit experiment=demo    # seed 0; 10 minutes on 2 idle cores",
    )


if __name__ == "__main__":
    main()
