"""Make the images of the page "Samples look bad", each by a short training with one mistake.

    OMP_NUM_THREADS=1 python docs/examples/bad_samples.py FOLDER

Every run is on one-object scenes at 32 pixels (two objects for word order), with seed 0. The images
are FOLDER/NAME.png, and the runs stay in FOLDER/NAME.
"""

import argparse
import subprocess
import sys
from pathlib import Path

COMMON = [
    "data=shapes",
    "data.spread=0.5",
    "data.batch_size=16",
    "image_size=32",
    "noise_width=6",
    "text_encoder=bert_small",
    "model.caption_dropout=0",
    "model.generator_optimizer.lr=2e-3",
]
ONE_OBJECT = ["data.max_objects=1"]
NO_DISCRIMINATOR = ["discriminator=null", "loss=[reconstruction,kl_falling]"]
CONSTANT_KL = ["discriminator=null", "loss=[reconstruction,kl]"]
CAPTIONS = [
    "a large red circle on a white background",
    "a small blue star on a black background",
    "a large yellow ring on a navy background",
]
ORDER = [
    "a large red circle left of a large blue square on a white background",
    "a large blue square left of a large red circle on a white background",
]
RUNS = {
    "grey": [*ONE_OBJECT, *NO_DISCRIMINATOR, "total_images=600"],
    "diverged": [
        *ONE_OBJECT,
        *NO_DISCRIMINATOR,
        "total_images=1_000",
        "model.generator_optimizer.lr=0.1",
    ],
    "alike": [*ONE_OBJECT, *CONSTANT_KL, "total_images=5_000", "model.losses.kl.weight=5"],
    "ignored": [*ONE_OBJECT, *CONSTANT_KL, "total_images=5_000", "model.losses.kl.weight=0.0002"],
    "speckled": [
        *ONE_OBJECT,
        "loss=[reconstruction,kl_falling,rpgan]",
        "total_images=3_000",
        "model.discriminator_start=0.3",
        "model.discriminator_optimizer.lr=5e-3",
        "model.losses.rpgan.generator_weight=3",
    ],
    "good": [*ONE_OBJECT, *NO_DISCRIMINATOR, "total_images=10_000"],
    "order": ["data.max_objects=2", *NO_DISCRIMINATOR, "total_images=8_000"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder to write")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RUNS)} (all)")
    words = parser.parse_args()
    textgan = [sys.executable, "-m", "textgan"]
    for name in words.names or RUNS:
        folder = words.folder / name
        said = {word.partition("=")[0] for word in RUNS[name]}
        common = [word for word in COMMON if word.partition("=")[0] not in said]
        subprocess.run([*textgan, "fit", *common, *RUNS[name], f"hydra.run.dir={folder}"])
        captions, options = (ORDER, ["--same_noise"]) if name == "order" else (CAPTIONS, [])
        image = words.folder / f"{name}.png"
        sample = ["sample", *captions, "--model", str(folder), "--out", str(image), *options]
        subprocess.run([*textgan, *sample], check=True)


if __name__ == "__main__":
    main()
