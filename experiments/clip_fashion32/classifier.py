"""Train a plain classifier with the image encoder of the contrastive model and a linear layer.

    TEXTGAN_DATA=... python experiments/clip_fashion32/classifier.py [--images 120000] [--seed 0]

Images, their order and the learning rates are those of the contrastive run. The loss is the
cross-entropy over the ten classes.
"""

import argparse
import os
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from textgan.data import FashionMNIST
from textgan.data.base import StreamSampler
from textgan.image_encoder import ResNetImageEncoder
from textgan.metric.interval import share
from textgan.schedule import learning_rate_factor


def main() -> None:
    """Train, and print the accuracy on the val split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=120_000, help="images to train on (120000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and data (0)")
    words = parser.parse_args()
    root, size = Path(os.environ["TEXTGAN_DATA"]) / "fashion-mnist", 64
    data = FashionMNIST(str(root), batch_size=size, seed=words.seed)
    torch.manual_seed(words.seed)
    encoder = ResNetImageEncoder(image_size=32, width=128, channels=1)
    head = nn.Linear(128, len(data.class_names))
    weights = [*encoder.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, betas=(0.9, 0.98), weight_decay=0.05)
    train, labels = data.dataset("train"), data.labels("train")
    began, seen = time.monotonic(), 0
    for pairs in StreamSampler(len(train), batch_size=size, seed=words.seed):
        if seen >= words.images:
            break
        batch = train.__getitems__(pairs)
        factor = learning_rate_factor(seen / words.images, warmup=5_000 / words.images)
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * factor
        loss = cross_entropy(head(encoder(batch.images).pooled), labels[batch.index])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        seen += size
    seconds, right, labels = time.monotonic() - began, [], data.labels("val")
    with torch.no_grad():
        for batch in data.val_dataloader():
            right.append(head(encoder(batch.images).pooled).argmax(1) == labels[batch.index])
    value = share(torch.cat(right))
    result = f"{value:.3f} ({value.low:.3f} to {value.high:.3f}, n {value.n})"
    print(f"accuracy {result}, {seen:,} images in {seconds:.0f} s")


if __name__ == "__main__":
    main()
