"""Make the images of the page "Samples look bad", each by a short training with one mistake.

    OMP_NUM_THREADS=1 python docs/examples/bad_samples.py FOLDER

Every run is on one-object scenes at 32 pixels, with seed 0. The images are FOLDER/NAME.png, and the
runs stay in FOLDER/NAME.
"""

import argparse
import time
from pathlib import Path

from textgan.cli.main import main as textgan

COMMON = [
    "data=shapes",
    "data.max_objects=1",
    "data.spread=0.5",
    "data.batch_size=16",
    "image_size=32",
    "noise_width=6",
    "text_encoder=bert_small",
    "model.caption_dropout=0",
    "model.generator_optimizer.lr=2e-3",
    "sample_every_images=0",
]
FALLING = ["discriminator=null", "loss=[reconstruction,kl_falling]"]
CONSTANT = ["discriminator=null", "loss=[reconstruction,kl]"]
CAPTIONS = [
    "a large red circle on a white background",
    "a small blue star on a black background",
    "a large yellow ring on a navy background",
]
RUNS = {
    "grey": [*FALLING, "total_images=600"],
    "diverged": [*FALLING, "total_images=1_000", "model.generator_optimizer.lr=0.1"],
    "good": [*FALLING, "total_images=6_000"],
    "alike": [*CONSTANT, "total_images=4_000", "model.losses.kl.weight=5"],
    "ignored": [*CONSTANT, "total_images=4_000", "model.losses.kl.weight=0.0002"],
    "speckled": [
        "loss=[reconstruction,kl_falling,rpgan]",
        "total_images=2_000",
        "model.discriminator_start=0.3",
        "model.discriminator_optimizer.lr=5e-3",
        "model.losses.rpgan.generator_weight=3",
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder to write")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RUNS)} (all)")
    words = parser.parse_args()
    for name in words.names or RUNS:
        folder, image = words.folder / name, words.folder / f"{name}.png"
        said = {word.partition("=")[0] for word in RUNS[name]}
        common = [word for word in COMMON if word.partition("=")[0] not in said]
        begin = time.process_time()
        textgan(["fit", *common, *RUNS[name], f"hydra.run.dir={folder}"])  # may end with an error
        seconds = time.process_time() - begin
        textgan(["sample", *CAPTIONS, "--model", str(folder), "--out", str(image)])
        print(f"{name}: trained in {seconds:.0f} processor seconds", flush=True)


if __name__ == "__main__":
    main()
