"""Save a pipeline of the demo as the bundled model, with its evaluation and model card.

python experiments/demo/box.py RUN/pipeline EVALUATION/evaluation.json textgan/weights/shapes
"""

import argparse
import shutil
from pathlib import Path

from textgan.pipeline import Card, TextToImagePipeline

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
IMPORT = "from textgan.weights import SHAPES"
DATA = (
    "scenes of one or two objects, rendered by `textgan.data.Shapes` at 32 px (`data.spread=0.5`); "
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
    card = Card(
        captions=CAPTIONS,
        name="shapes",
        evaluation=words.evaluation,
        data=DATA,
        licence="mit",
        command="textgan fit experiment=demo    # seed 0",
    )
    file = pipeline.save_card(words.folder, card)
    text = file.read_text(encoding="utf-8")
    text = text.replace('from_pretrained("shapes")', "from_pretrained(SHAPES)")
    text = text.replace("import TextToImagePipeline", f"import TextToImagePipeline\n{IMPORT}", 1)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
