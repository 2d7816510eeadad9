"""Measure how often a contrastive model ranks the caption of a scene first of a hundred similar.

    python experiments/clip_shapes32/near_captions.py RUN/pipeline [--scenes 500]

The candidates of a scene are its caption, all captions with a single edit (an attribute changed or
swapped, a relation reversed), and captions with a second edit, a hundred in all.
"""

import argparse
from dataclasses import replace

import numpy as np
import torch

from textgan.data import Shapes
from textgan.data.shapes import ShapesSplit
from textgan.metric.interval import share
from textgan.pipeline import ContrastivePipeline
from textgan.scene import Scene, caption
from textgan.scene.grammar import OPPOSITES
from textgan.seed import seed_from

CANDIDATES = 100


def backwards(scene: Scene) -> Scene:
    """Return the scene with its objects in reverse order, whose caption is right too."""
    relations = [OPPOSITES[relation] for relation in reversed(scene.relations)]
    return replace(scene, objects=scene.objects[::-1], relations=tuple(relations))


def candidates(split: ShapesSplit, index: int) -> tuple[list[str], int]:
    """Return a hundred captions, the right one first, and the number with a single edit."""
    (scene,) = split.scenes([index])
    near = split.sampler.near_misses(scene)
    found = list(dict.fromkeys([caption(scene), *map(caption, near)]))[:CANDIDATES]
    reversed_caption = caption(backwards(scene))
    one_edit = len(found) - 1
    generator = np.random.default_rng(seed_from("near", index))
    while len(found) < CANDIDATES:
        middle = near[generator.integers(len(near))]
        further = split.sampler.near_misses(middle)
        text = caption(further[generator.integers(len(further))])
        if text not in (*found, reversed_caption):
            found.append(text)
    return found, one_edit


@torch.no_grad()
def main() -> None:
    """Measure scenes with seen and with held-out pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline", help="the folder of a contrastive pipeline")
    parser.add_argument("--scenes", type=int, default=500, help="scenes of each kind (500)")
    parser.add_argument("--image_size", type=int, default=32, help="image size (32)")
    parser.add_argument("--spread", type=float, default=0.5, help="spread of the scenes (0.5)")
    words = parser.parse_args()
    pipeline = ContrastivePipeline.from_pretrained(words.pipeline)
    data = Shapes(
        image_size=words.image_size,
        batch_size=64,
        test_size=2 * words.scenes,
        spread=words.spread,
    )
    split, right, single = data.dataset("test"), [], []
    for index in range(2 * words.scenes):  # held-out combinations are at odd indices
        texts, one_edit = candidates(split, index)
        image = split.__getitems__([(index, index)]).images
        scores = pipeline.similarity(image, texts)[0]
        right.append(bool(scores[0] > scores[1:].max()))
        single.append(bool(scores[0] > scores[1 : 1 + one_edit].max()))
    for kind, first in (("seen", 0), ("held-out", 1)):
        for name, hits in (("of 100", right), ("of all single edits", single)):
            value = share(torch.tensor(hits[first::2]))
            print(f"{kind} {name}: {value:.3f} ({value.low:.3f} to {value.high:.3f}, n {value.n})")


if __name__ == "__main__":
    main()
