"""Choose pairs of concept and skin tone to hold out of training, for the evaluation.

    python experiments/emoji64/hold_out.py
    textgan fit experiment=emoji64 data.exclude=experiments/emoji64/held_out.txt

A pair is held out with all its rows, those of woman, man and person. Its concept has at least three
other tones in train, and its tone occurs with other concepts, so a model that combines them can
generate it. Concepts with images of two tones (a couple, a handshake) are not chosen, as these
images show the pair. Neither is "person", which stands for everybody without a trade or a gesture.
The choice depends on the seed and on the names of the pairs.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from textgan.seed import seed_from

HERE = Path(__file__).parent
ALWAYS = ("construction worker", "dark")
REST = "person"  # the concept in captions.py of images of only man, woman and the like

Row = dict[str, Any]
Pair = tuple[str, str]


def data_folder(named: Path | None) -> Path:
    """Return the named folder, or emoji-noto below TEXTGAN_DATA.

    Raises:
        FileNotFoundError: The folder has no captions.jsonl, or no folder is named.
    """
    if named is None and not os.environ.get("TEXTGAN_DATA"):
        raise FileNotFoundError("--data must be given, or the environment variable TEXTGAN_DATA")
    folder = named or Path(os.environ["TEXTGAN_DATA"]) / "emoji-noto"
    if not (folder / "captions.jsonl").is_file():
        raise FileNotFoundError(f"{folder} has no captions.jsonl (captions.py writes it)")
    return folder


def train_rows(folder: Path) -> list[Row]:
    """Return the rows of captions.jsonl that are for training, in their order.

    Raises:
        ValueError: A row lacks a field of captions.py, or no row is for training.
    """
    lines = (folder / "captions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    for number, row in enumerate(rows, 1):
        if missing := {"file", "captions", "concept", "tones", "split"} - row.keys():
            names = ", ".join(sorted(missing))
            raise ValueError(f"{folder / 'captions.jsonl'}, line {number} lacks {names}")
    rows = [row for row in rows if row["split"] == "train"]
    if not rows:
        raise ValueError(f"{folder / 'captions.jsonl'} has no row whose split is train")
    return rows


def rows_by_pair(rows: list[Row]) -> dict[Pair, list[Row]]:
    """Return rows by (concept, tone), without concepts that have images of two tones."""
    mixed = {row["concept"] for row in rows if len(row["tones"]) > 1}
    found = defaultdict(list)
    for row in rows:
        if len(row["tones"]) == 1 and row["concept"] not in mixed:
            found[row["concept"], row["tones"][0]].append(row)
    return dict(found)


def choose(rows: list[Row], *, number: int, seed: int) -> list[Pair]:
    """Choose `number` pairs of different concepts, `ALWAYS` first.

    Raises:
        ValueError: There are not that many pairs.
    """
    pairs = rows_by_pair(rows)
    tones = defaultdict(set)
    for concept, tone in pairs:
        tones[concept].add(tone)
    able = [pair for pair in pairs if len(tones[pair[0]]) > 3 and pair[0] != REST]
    if ALWAYS not in able:
        raise ValueError(
            f"train must have {ALWAYS[0]!r} in four skin tones, {ALWAYS[1]} among them"
        )
    able.sort(key=lambda pair: (pair != ALWAYS, seed_from(seed, *pair)))
    first_of = {}
    for pair in able:
        first_of.setdefault(pair[0], pair)
    if not 1 <= number <= len(first_of):
        raise ValueError(f"--pairs must be from 1 to {len(first_of)}, got {number}")
    chosen = list(first_of.values())[:number]
    left = {tone for _, tone in pairs.keys() - set(chosen)}
    if lost := {tone for _, tone in chosen} - left:
        raise ValueError(f"no other concept has the skin tone {', '.join(lost)}: lower --pairs")
    return chosen


def main(argv: list[str] | None = None) -> int:
    """Write the list, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, help="folder of captions.jsonl ($TEXTGAN_DATA/emoji-noto)"
    )
    parser.add_argument("--out", type=Path, default=HERE / "held_out.txt", help="the file to write")
    parser.add_argument("--pairs", type=int, default=40, help="number of pairs (40)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the choice (0)")
    words = parser.parse_args(argv)
    try:
        rows = train_rows(data_folder(words.data))
        pairs = choose(rows, number=words.pairs, seed=words.seed)
    except (OSError, ValueError) as error:
        print(f"hold_out.py: {error}", file=sys.stderr)
        return 2
    held = rows_by_pair(rows)
    files = [row["file"] for pair in pairs for row in held[pair]]
    words.out.write_text("".join(f"{file}\n" for file in sorted(files)), encoding="utf-8")
    for pair in sorted(pairs):
        print(f"{', '.join(pair)}: {'; '.join(row['captions'][0] for row in held[pair])}")
    print(f"{words.out}: {len(files)} images of {len(pairs)} pairs, of {len(rows):,} in train")
    return 0


if __name__ == "__main__":
    sys.exit(main())
