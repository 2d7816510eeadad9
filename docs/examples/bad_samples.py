"""Make the images of the page "Samples look bad", each by a short training with one mistake.

    OMP_NUM_THREADS=1 python docs/examples/bad_samples.py FOLDER

Every run is on rendered scenes at 32 pixels, with seed 0. The images are FOLDER/NAME.png, and the
run folders are FOLDER/NAME.
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
ORDER = [
    f"a large {one} left of a large {other} on a white background"
    for one, other in (("red circle", "blue square"), ("blue square", "red circle"))
]
RUNS = {
    "grey": [*FALLING, "total_images=600"],
    "diverged": [*FALLING, "total_images=1_000", "model.generator_optimizer.lr=0.1"],
    "good": [*FALLING, "total_images=16_000"],
    "alike": [*CONSTANT, "total_images=4_000", "model.losses.kl.weight=5"],
    "ignored": [*CONSTANT, "total_images=4_000", "model.losses.kl.weight=0.00002"],
    "speckled": [
        "loss=[reconstruction,kl_falling,rpgan]",
        "total_images=6_000",
        "model.discriminator_start=0.7",
        "model.discriminator_optimizer.lr=2e-3",
        "model.losses.rpgan.generator_weight=50",
    ],
    "order": [
        *FALLING,
        "total_images=6_000",
        "data.min_objects=2",
        "data.max_objects=2",
        "data.sizes=[large]",
        "data.colours=[red,blue]",
        "data.shapes=[circle,square]",
        "data.backgrounds=[white]",
        "data.relations=[left of,right of]",
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder to write")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RUNS)} (all)")
    asked = parser.parse_args()
    for name in asked.names or RUNS:
        folder, image = asked.folder / name, asked.folder / f"{name}.png"
        own = {word.partition("=")[0] for word in RUNS[name]}
        common = [word for word in COMMON if word.partition("=")[0] not in own]
        start = time.process_time()
        # A diverging run may end with an error after its first checkpoint.
        textgan(["fit", *common, *RUNS[name], f"hydra.run.dir={folder}"])
        seconds = time.process_time() - start
        captions = [*ORDER, "--same_noise"] if name == "order" else CAPTIONS
        textgan(["sample", *captions, "--model", str(folder), "--out", str(image)])
        print(f"{name}: trained in {seconds:.0f} processor seconds", flush=True)


if __name__ == "__main__":
    main()
