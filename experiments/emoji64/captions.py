"""Write captions for Noto's emoji from the names and keywords of Unicode's CLDR.

The script needs two clones:

    git clone --depth 1 https://github.com/googlefonts/noto-emoji
    git clone --depth 1 https://github.com/unicode-org/cldr-json
    python experiments/emoji64/captions.py noto-emoji cldr-json
    textgan fit data=folder data.root=noto-emoji data.crop=pad

No image is copied: captions.jsonl in the first clone has a row for each image, with its relative
path. captions[0] is the CLDR short name, with "construction worker: dark skin tone" changed to
"construction worker with dark skin tone"; then come three templates with it, and a caption with up
to four keywords. `concept` is the short name without skin tone and without man, woman and the like.
Its hash decides the split, so that the concepts of val and test are never trained on.
"""

import argparse
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TONES = {
    0x1F3FB: "light",
    0x1F3FC: "medium-light",
    0x1F3FD: "medium",
    0x1F3FE: "medium-dark",
    0x1F3FF: "dark",
}
_PEOPLE = {"man", "woman", "person", "men", "women", "people", "boy", "girl", "child"}
_ANY_PERSON = re.compile(rf"\b({'|'.join(sorted(_PEOPLE))})\b")
_REGIONAL_A = 0x1F1E6  # two regional indicators are the flag of the country of these two letters
_ANNOTATIONS = (
    ("cldr-annotations-full", "annotations"),
    ("cldr-annotations-derived-full", "annotationsDerived"),
)

Annotations = dict[str, dict[str, list[str]]]


def read_annotations(cldr: Path) -> Annotations:
    """Read emoji -> {"tts": [short name], "default": keywords}, English, from a clone of cldr-json.

    Raises:
        FileNotFoundError: One of the two files does not exist.
        ValueError: One of them is not the JSON of CLDR.
    """
    found: Annotations = {}
    for package, key in _ANNOTATIONS:
        places = [root / package / key / "en" / "annotations.json" for root in _roots(cldr)]
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            raise FileNotFoundError(f"CLDR must be a clone of cldr-json with {places[0]}")
        try:
            found |= json.loads(path.read_text(encoding="utf-8"))[key]["annotations"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is not CLDR's annotations: {error!r}") from error
    return found


def _roots(cldr: Path) -> tuple[Path, Path]:
    return cldr / "cldr-json", cldr


def find_images(noto: Path) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """Yield path and code points of each image of a clone of noto-emoji, flags of countries last.

    Raises:
        FileNotFoundError: The clone has no images.
    """
    emoji = [path for folder in ("png/128", "2D/png/128") for path in noto.glob(f"{folder}/*.png")]
    if not emoji:
        raise FileNotFoundError(f"NOTO must be a clone of noto-emoji, got {noto} without png/128")
    for path in sorted(emoji):
        codes = path.stem.removeprefix("emoji_u").split("_")
        yield path, tuple(int(code, 16) for code in codes)
    for path in sorted(noto.glob("third_party/region-flags/png/??.png")):
        yield path, tuple(_REGIONAL_A + ord(letter) - ord("A") for letter in path.stem)


def name_and_keywords(codes: tuple[int, ...], known: Annotations) -> tuple[str, list[str]] | None:
    """Return the short name and the keywords of an emoji, or None if CLDR has none.

    A skin tone that CLDR does not combine with the emoji is added to its name. Letters of the
    regional indicators and digits, which are no emoji alone, are named here.
    """
    entry = known.get("".join(map(chr, codes)))
    if entry is not None and entry.get("tts"):
        name, keywords = entry["tts"][0], entry.get("default", [])
        return name, [*keywords, "country"] if name.startswith("flag: ") else keywords
    if len(codes) == 1 and chr(codes[0]).isascii() and chr(codes[0]).isdigit():
        return f"digit {chr(codes[0])}", ["number"]
    if len(codes) == 1 and 0 <= codes[0] - _REGIONAL_A < 26:
        return f"letter {chr(codes[0] - _REGIONAL_A + ord('A'))}", ["alphabet"]
    plain = tuple(code for code in codes if code not in TONES)
    if plain and plain != codes and (found := name_and_keywords(plain, known)):
        tones = [f"{TONES[code]} skin tone" for code in codes if code in TONES]
        separator = ", " if ": " in found[0] else ": "
        return found[0] + separator + ", ".join(tones), [*found[1], *tones]
    return None


def plain_caption(name: str) -> str:
    """Change a short name into a caption: "kiss: man, man" -> "kiss of man and man"."""
    head, colon, tail = name.partition(": ")
    if not colon:
        return name
    *parts, last = tail.split(", ")
    listed = f"{', '.join(parts)} and {last}" if parts else last
    if head == "keycap":
        return f"{head} {listed}"
    of = head == "flag" or {*_PEOPLE, "adult"}.issuperset([*parts, last])
    return f"{head} of {listed}" if of else f"{head} with {listed}"


def all_captions(name: str, keywords: list[str]) -> list[str]:
    """Return the caption, three templates with it, and one with up to four keywords, if any."""
    said = plain_caption(name)
    new = [keyword for keyword in keywords if keyword.lower() not in said.lower()]
    extra = [", ".join([said, *new[:4]])] if new else []
    return [said, f"{said} emoji", f"a picture of {said}", f"{said} on a white background", *extra]


def concept_of(name: str, codes: tuple[int, ...]) -> str:
    """Return the concept without the person: "woman running: dark skin tone" -> "running"."""
    if len(codes) == 2 and all(0 <= code - _REGIONAL_A < 26 for code in codes):
        return "flag " + "".join(chr(code - _REGIONAL_A + ord("A")) for code in codes)
    return _ANY_PERSON.sub("", name.partition(":")[0]).strip() or "person"


def split_of(concept: str) -> str:
    """Assign a concept to a split: 8 % to test, 4 % to val, the others to train."""
    place = int(hashlib.sha1(f"textgan-emoji:{concept}".encode()).hexdigest()[:8], 16) / 2**32
    return "test" if place < 0.08 else "val" if place < 0.12 else "train"


def make_rows(noto: Path, known: Annotations, root: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row for each image that CLDR names, with its path from `root`, and other files."""
    rows, unnamed = [], []
    for path, codes in find_images(noto):
        file = Path(os.path.relpath(path, root)).as_posix()
        found = name_and_keywords(codes, known)
        if found is None:
            unnamed.append(file)
            continue
        concept = concept_of(found[0], codes)
        row = {
            "file": file,
            "captions": all_captions(*found),
            "concept": concept,
            "tones": [TONES[code] for code in codes if code in TONES],
            "split": split_of(concept),
        }
        rows.append(row)
    return rows, unnamed


def write_captions(noto: Path, cldr: Path, out: Path) -> str:
    """Write the rows -> a message with their numbers.

    Raises:
        FileNotFoundError: A clone lacks its files.
        ValueError: `out` is outside the folder of the images, or CLDR names none of them.
    """
    if not noto.resolve().is_relative_to(out.resolve().parent):
        raise ValueError(f"--out must lie in {noto} or in a folder above it, got {out}")
    rows, unnamed = make_rows(noto, read_annotations(cldr), out.parent)
    if not rows:
        raise ValueError(f"CLDR names none of the {len(unnamed)} images of {noto}")
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    out.write_text("".join(lines), encoding="utf-8")
    splits = [row["split"] for row in rows]
    counts = ", ".join(f"{splits.count(name):,} {name}" for name in ("train", "val", "test"))
    message = f"{out}: {len(rows):,} images, {counts}"
    if unnamed:
        message += f"\n{len(unnamed)} without a name are left out: {', '.join(unnamed[:5])}"
    return message


def main(argv: list[str] | None = None) -> int:
    """Write captions.jsonl, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("noto", metavar="NOTO", type=Path, help="a clone of googlefonts/noto-emoji")
    parser.add_argument("cldr", metavar="CLDR", type=Path, help="a clone of unicode-org/cldr-json")
    parser.add_argument(
        "--out", type=Path, help="the file to write, in NOTO or above it (NOTO/captions.jsonl)"
    )
    words = parser.parse_args(argv)
    try:
        print(write_captions(words.noto, words.cldr, words.out or words.noto / "captions.jsonl"))
    except (OSError, ValueError) as error:
        print(f"captions.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
