"""Measure how metrics react to blur, copies and few images: the tables of this folder's README.

    TEXTGAN_DATA=... TEXTGAN_INCEPTION=... python -m benchmarks.evaluation.measure [--out FOLDER]

The photographs are those of Flickr8k at 64 px, and the features the 768 of Inception's mixed_7.
Nothing is trained. Features are cached (`textgan.evaluation.default_folder`).
"""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import interpolate

from textgan.data import Folder
from textgan.evaluation import FeatureCache, default_folder
from textgan.extractor import Inception
from textgan.image import to_rgb_uint8
from textgan.metric import FID, KID, Manifold, Memorisation
from textgan.metric.interval import Z

_BATCH = 64
_SIDE = 300


def features(net: Inception, images: Tensor, what: str) -> Tensor:
    """Return the features (n, 768) of images (n, 3, 64, 64) in [-1, 1], from the cache if there."""
    cache, parts = FeatureCache(default_folder()), []
    for done in range(0, len(images), _BATCH):
        pixels = to_rgb_uint8(images[done : done + _BATCH])
        found = cache.get(net.network(), net.tap, pixels)
        if found is None:
            found = net(pixels)
            cache.put(net.network(), net.tap, pixels, found)
            print(f"{what}: {done + len(pixels):,} of {len(images):,}", flush=True)
        parts.append(found)
    return torch.cat(parts)


def measured(net: Inception, real: Tensor, samples: Tensor) -> dict[str, float]:
    """Return the numbers of the metrics that compare two sets, from features (n, 768), (m, 768)."""
    values = {}
    for metric in (FID(net, name="fid_768"), KID(net, name="kid_768"), Manifold(net)):
        metric.real.append(real)
        metric.draws.append(samples)
        metric.index.append(torch.arange(len(samples)))
        metric._update_count = 1  # the states are filled by hand
        values |= metric.compute()
    return values


def photographs(root: Path) -> Tensor:
    """Return all images of Flickr8k at 64 px, (n, 3, 64, 64), in a fixed random order."""
    data = Folder(
        str(root), batch_size=256, captions_file="captions.jsonl", val_share=0, image_size=64
    )
    images = torch.cat([batch.images for batch in data.still_batches("train")])
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]


def through(side: int) -> Callable[[Tensor], Tensor]:
    """Return a function that blurs images by resizing them to `side` pixels and back."""

    def blur(images: Tensor) -> Tensor:
        small = interpolate(images, size=side, mode="area")
        return interpolate(small, size=images.shape[-1], mode="bilinear")

    return blur


def against(net: Inception, photos: Tensor, emoji: Tensor) -> dict[str, dict[str, float]]:
    """Compare 300 photographs with 300 images of several kinds."""
    real, other = photos[:_SIDE], photos[_SIDE : 2 * _SIDE]
    noise = torch.rand(other.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    few = other[torch.arange(_SIDE) % 10] + 0.02 * torch.randn(
        other.shape, generator=torch.Generator().manual_seed(1)
    )
    kinds = {
        "other photographs": other,
        "the same, blurred through 32 px": through(32)(other),
        "the same, blurred through 12 px": through(12)(other),
        "emoji": emoji[:_SIDE],
        "noise": noise,
        "ten photographs, 30 times each": few,
        "the very same photographs": real,
    }
    own = features(net, real, "photographs")
    return {name: measured(net, own, features(net, x, name)) for name, x in kinds.items()}


def by_number(net: Inception, photos: Tensor, repeats: int) -> dict[int, dict[str, list[float]]]:
    """Compare two disjoint subsets of n of 4,000 photographs, several times for each n."""
    every = features(net, photos[:4000], "photographs")
    generator = torch.Generator().manual_seed(0)
    found = {}
    for n in (50, 100, 200, 500, 1000, 2000):
        found[n] = {}
        for _ in range(repeats):
            rows = torch.randperm(len(every), generator=generator)[: 2 * n]
            for name, value in measured(net, every[rows[:n]], every[rows[n:]]).items():
                found[n].setdefault(name, []).append(float(value))
                if name == "kid_768":
                    covers = float(value.low <= 0 <= value.high)
                    found[n].setdefault("kid_covers_0", []).append(covers)
                if name == "fid_768" and value.high is not None:
                    error = (value.high - value) / Z
                    found[n].setdefault("fid_standard_error", []).append(error)
    return found


def copying(net: Inception, photos: Tensor) -> dict[str, dict[str, float]]:
    """Measure 1,000 images, some of which are copies of the 2,000 that serve as training set."""
    every = features(net, photos[:4000], "photographs")
    training, held_out, fresh = every[:2000], every[2000:3000], every[3000:]
    found = {}
    for copies in (0, 10, 100, 500, 1000):
        samples = torch.cat([training[:copies], fresh[copies:]])
        metric = Memorisation(net)
        metric.known.append(training)
        metric.held_out.append(held_out)
        metric.first.append(samples)
        metric.index.append(torch.arange(1000))
        blank = torch.zeros(2000, 3, 1, 1, dtype=torch.uint8)
        metric.known_thumbnails.append(blank)
        metric.first_thumbnails.append(blank[:1000])
        metric._update_count = 1
        found[f"{copies} of 1,000 are copies"] = measured(net, held_out, samples) | metric.compute()
    return found


def show(table: dict[str, dict[str, float]]) -> None:
    """Print each number with its interval or spread."""
    for name, values in table.items():
        print(f"\n{name}")
        for key, value in values.items():
            bounds = {b: getattr(value, b, None) for b in ("low", "high", "spread")}
            known = ", ".join(f"{b} {v:.4g}" for b, v in bounds.items() if v is not None)
            print(f"  {key} {value:.4g} ({known})" if known else f"  {key} {value:.4g}")


def plot(found: dict[int, dict[str, list[float]]], path: Path) -> None:
    """Plot one panel for each number: the repeats over n."""
    names = ("fid_768", "kid_768", "precision", "recall", "density", "coverage")
    figure = Figure(figsize=(9, 5), layout="constrained")
    for panel, name in zip(figure.subplots(2, 3).flat, names, strict=True):
        for n, values in found.items():
            panel.plot([n] * len(values[name]), values[name], ".", color="C0", alpha=0.6)
        panel.plot([*found], [np.mean(values[name]) for values in found.values()], color="C0")
        panel.set(xscale="log", title=name, xlabel="images a side")
        panel.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Compute, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent, help="folder of the plot"
    )
    parser.add_argument("--repeats", type=int, default=10, help="repeats of each n (10)")
    words = parser.parse_args()
    root, net = Path(os.environ["TEXTGAN_DATA"]), Inception(768)
    net.load()
    photos = photographs(root / "flickr8k-128")
    emoji = Folder(str(root / "emoji-noto"), batch_size=_SIDE, val_share=0, image_size=64)
    emoji = next(iter(emoji.train_dataloader())).images
    show(against(net, photos, emoji))
    show(copying(net, photos))
    found = by_number(net, photos, words.repeats)
    means = {
        n: {name: [float(np.mean(v)), float(np.std(v, ddof=1))] for name, v in values.items()}
        for n, values in found.items()
    }
    print(json.dumps(means, indent=1))
    plot(found, words.out / "by_number.png")


if __name__ == "__main__":
    main()
