"""Make the folder of 200 captioned images that the guide "Your own images" trains on.

Every 17th row of `captions.jsonl` is taken. Each image becomes a PNG, and its first caption becomes
a text file of the same name. The images are Noto Emoji (Google, Apache-2.0); the page of
experiments/emoji64 describes how to obtain them.

    TEXTGAN_DATA=FOLDER python docs/examples/two_hundred.py emoji-200
"""

import argparse
import json
import os
import re
import shutil
from pathlib import Path

STEP = 17  # 3,395 rows make 200 images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder to write, new or empty")
    words = parser.parse_args()
    source = Path(os.environ["TEXTGAN_DATA"]) / "emoji-noto"
    rows = (source / "captions.jsonl").read_text(encoding="utf-8").splitlines()[::STEP]
    words.folder.mkdir(parents=True, exist_ok=True)
    for row in map(json.loads, rows):
        caption = row["captions"][0]
        name = re.sub(r"\W+", "-", caption.lower()).strip("-") or row["codepoints"].lower()
        image = source / row["file"].replace("images/", "images128/")
        shutil.copyfile(image, words.folder / f"{name}.png")
        (words.folder / f"{name}.txt").write_text(f"{caption}\n", encoding="utf-8")
    print(f"{len(rows)} images and captions are in {words.folder}")


if __name__ == "__main__":
    main()
