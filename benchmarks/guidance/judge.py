"""Measure by an independent contrastive model how well samples match their training captions.

    TEXTGAN_INCEPTION=... python -m benchmarks.guidance.judge PIPELINE --judge FOLDER --data EMOJI

The captions are `--captions` rows, evenly spread over the emoji's train split, with one sample
each. The numbers are R-precision among 99 other captions, and fid_768 against the images of these
rows. (The other splits hold concepts that were never trained on, which a model of this size cannot
generate.) The output is JSON in the form of evaluation.json.
"""

import argparse
import json
from functools import partial

from textgan.data import Folder
from textgan.evaluation import Evaluator, FeatureCache, by_captions, default_folder
from textgan.extractor import Inception
from textgan.judge import ContrastiveJudge
from textgan.metric import FID, RPrecision
from textgan.pipeline import TextToImagePipeline
from textgan.types import Measurement


def main(argv: list[str] | None = None) -> None:
    """Evaluate, and print the numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pipeline", metavar="PIPELINE")
    parser.add_argument("--judge", required=True, help="a saved contrastive pipeline")
    parser.add_argument("--data", required=True, help="the folder of the emoji")
    parser.add_argument("--exclude", help="a list of images that were left out of training")
    parser.add_argument("--captions", type=int, default=1000, help="number of captions (1000)")
    asked = parser.parse_args(argv)
    pipeline = TextToImagePipeline.from_pretrained(asked.pipeline)
    data = Folder(
        root=asked.data,
        captions_file="captions.jsonl",
        image_size=pipeline.generator.image_size,
        exclude=asked.exclude,
        batch_size=50,
    )
    metrics = {
        "r_precision": RPrecision(ContrastiveJudge(asked.judge)),
        "fid_768": FID(Inception(768), name="fid_768"),
    }
    evaluator = Evaluator(metrics, cache=FeatureCache(default_folder()))
    training = partial(data.still_batches, "train")
    evaluator.begin(
        pipeline,
        testing=True,
        captions=partial(data.captions, limit=20_000),
        training=lambda limit: training(limit=limit),
    )
    for batch in training(limit=asked.captions):
        evaluator.update(by_captions(pipeline), batch)
    evaluator.finish(pipeline)
    print(json.dumps({name: _number(value) for name, value in evaluator.compute().items()}))


def _number(value: float) -> dict[str, float]:
    if not isinstance(value, Measurement):
        return {"value": value}
    return {"value": float(value), "n": value.n, "low": value.low, "high": value.high}


if __name__ == "__main__":
    main()
