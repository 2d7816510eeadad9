"""The first 20 steps of two recipes, compared with the losses that earlier versions had.

A change of the code's structure must leave every number as it is. A change that is meant to alter
training records them anew: `python tests/test_same_losses.py`, from the project's folder.
"""

import csv
import json
import math
import sys
import tempfile
from pathlib import Path

import pytest
import torch

from textgan.cli.main import main

FILE = Path(__file__).parent / "fixtures" / "first_losses.json"
STEPS = 20
RECIPES = {
    "demo": 16,
    "clip_shapes32": 32,
}  # name of the experiment, and its batch size


def machine() -> dict[str, str]:
    """What decides how a sum is rounded."""
    return {"torch": torch.__version__, "cpu": torch.backends.cpu.get_cpu_capability()}


def losses(recipe: str, folder: Path) -> dict[str, list[float]]:
    """Every logged loss of a recipe's first steps, by name."""
    batch = RECIPES[recipe]
    words = [
        *(f"experiment={recipe}", f"total_images={STEPS * batch}", f"log_every_images={batch}"),
        *("validate_every_images=0", "sample_every_images=0", "checkpoint_every_images=0"),
        *("metric=[]", "data.num_workers=0", "data.train_size=2000", "data.val_size=8"),
        *("callback=[checkpoint]", "trainer.enable_model_summary=false"),
    ]
    assert main(["fit", *words, f"hydra.run.dir={folder}"]) == 0
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    names = [name for name in rows[0] if name.startswith("train/")]
    found = {name: [float(row[name]) for row in rows if row[name]] for name in names}
    return {name: values for name, values in found.items() if "seconds" not in name}


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_first_losses_are_those_of_earlier_versions(recipe, tmp_path):
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = losses(recipe, tmp_path / "run")
    finally:
        torch.set_num_threads(threads)
    assert found.keys() == stored[recipe].keys()
    exact = stored["machine"] == machine()
    for name, values in stored[recipe].items():
        assert len(found[name]) == len(values), name
        for step, (value, before) in enumerate(zip(found[name], values, strict=True)):
            same = value == before if exact else math.isclose(value, before, rel_tol=1e-2)
            assert same, f"{name} of step {step + 1} was {before!r}, and is {value!r}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    recorded = {"machine": machine()}
    for name in RECIPES:
        with tempfile.TemporaryDirectory() as temporary:
            recorded[name] = losses(name, Path(temporary) / "run")
    FILE.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    sys.exit(0)
