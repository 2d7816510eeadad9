"""Time an evaluation, against the time of sampling and one pass of the network over the samples.

    TEXTGAN_INCEPTION=... python -m benchmarks.evaluation.cost PIPELINE [--captions 1000]

The data are scenes of the demo, and the metrics all but `speed`. Only the second evaluation counts:
the first one, by `memorisation` alone, caches the features of real and training images.
"""

import argparse
import time
from functools import partial

import torch

from textgan.caption.word_swap import WordSwap
from textgan.data import Shapes
from textgan.evaluation import Evaluator, FeatureCache, by_captions, default_folder
from textgan.extractor import Inception
from textgan.image import to_rgb_uint8
from textgan.metric import (
    FID,
    KID,
    CaptionSensitivity,
    Manifold,
    Memorisation,
    PromptDiversity,
    ShapeAlignment,
    ShapeDiversity,
    Sharpness,
)
from textgan.pipeline import TextToImagePipeline


def evaluate(evaluator: Evaluator, pipeline: TextToImagePipeline, data: Shapes) -> float:
    """Return the seconds of the whole evaluation."""
    start = time.perf_counter()
    evaluator.begin(
        pipeline,
        testing=True,
        captions=partial(data.captions, limit=20_000),
        training=lambda limit: data.still_batches("train", limit=limit),
    )
    for batch in data.test_dataloader():
        evaluator.update(by_captions(pipeline), batch)
    evaluator.finish(pipeline)
    evaluator.compute()
    return time.perf_counter() - start


@torch.no_grad()
def sample_and_extract(pipeline: TextToImagePipeline, data: Shapes, net: Inception) -> float:
    """Return the seconds of sampling the images of the metrics, and of one pass of the network.

    There are ten samples of each caption and one of the caption with a changed word. The network
    reads four of the ten and that one.
    """
    start, swap = time.perf_counter(), WordSwap(data.captions(20_000))
    for batch in data.test_dataloader():
        rows = batch.index.tolist()
        sample = partial(pipeline, indices=rows, output_type="pt")
        samples = sample(batch.captions, num_images_per_prompt=10).images.unflatten(0, (-1, 10))
        edited = sample(
            [swap(text, i) for text, i in zip(batch.captions, rows, strict=True)]
        ).images
        net(to_rgb_uint8(torch.cat([samples[:, :4].flatten(0, 1), edited])))
    return time.perf_counter() - start


def main() -> None:
    """Time both, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline")
    parser.add_argument("--captions", type=int, default=1000)
    parser.add_argument("--training_images", type=int, default=1000)
    parser.add_argument("--device", default="cpu")
    words = parser.parse_args()
    pipeline = TextToImagePipeline.from_pretrained(words.pipeline).to(words.device)
    data = Shapes(image_size=32, batch_size=64, spread=0.5, test_size=words.captions)
    net = Inception(768)
    net.to(words.device).load()
    metrics = {
        "fid_768": FID(Inception(768), name="fid_768"),
        "kid_768": KID(Inception(768), name="kid_768"),
        "manifold": Manifold(Inception(768)),
        "prompt_diversity": PromptDiversity(Inception(768)),
        "caption_sensitivity": CaptionSensitivity(Inception(768)),
        "memorisation": Memorisation(Inception(768), training_pictures=words.training_images),
        "sharpness": Sharpness(),
        "shape_alignment": ShapeAlignment(),
        "shape_diversity": ShapeDiversity(spread=0.5),
    }
    cache = FeatureCache(default_folder())
    first = Evaluator({"memorisation": metrics["memorisation"]}, cache=cache)
    print(f"memorisation alone {evaluate(first, pipeline, data):.1f} s", flush=True)
    whole = evaluate(Evaluator(metrics, cache=cache), pipeline, data)
    print(f"all metrics, real and training images cached {whole:.1f} s", flush=True)
    bare = sample_and_extract(pipeline, data, net)
    print(f"evaluation {whole:.1f} s, sampling and one pass {bare:.1f} s, ratio {whole / bare:.2f}")


if __name__ == "__main__":
    main()
