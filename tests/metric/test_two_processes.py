"""Metrics have the same values however images are split over batches and processes."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from textgan.extractor import Pixels
from textgan.metric import (
    FID,
    KID,
    CaptionSensitivity,
    InceptionScore,
    Manifold,
    Memorisation,
    Metric,
    PromptDiversity,
    RPrecision,
    Sharpness,
    TextImageSimilarity,
)
from textgan.seed import keyed_randn
from textgan.types import Evaluation

N = 41


class Judge(nn.Module):
    """Pixels as encodings; captions have random encodings, the same everywhere."""

    def encode_images(self, images: Tensor) -> Tensor:
        return images.flatten(1)

    def encode_texts(self, captions: list[str]) -> Tensor:
        return keyed_randn([(caption,) for caption in captions], (48,))


METRICS: dict[str, Callable[[], Metric]] = {
    "fid": lambda: FID(Pixels(4)),
    "kid": lambda: KID(Pixels(4)),
    "inception_score": lambda: InceptionScore(Pixels(4), splits=4),
    "manifold": lambda: Manifold(Pixels(4)),
    "prompt_diversity": lambda: PromptDiversity(Pixels(4), draws=3),
    "caption_sensitivity": lambda: CaptionSensitivity(Pixels(4)),
    "memorisation": lambda: Memorisation(Pixels(4)),
    "r_precision": lambda: RPrecision(Judge(), others=9),
    "text_image_similarity": lambda: TextImageSimilarity(Judge()),
    "sharpness": Sharpness,
}


def evaluation(rows: Tensor) -> Evaluation:
    """These rows of one fixed set of images; some captions are equal, some samples are copies."""
    generator = torch.Generator().manual_seed(1)
    real, edited, *draws = torch.rand(5, N, 3, 4, 4, generator=generator) * 2 - 1
    draws[0][:3] = training(torch.arange(3)).real
    captions = [f"number {row // 2}" for row in rows.tolist()]
    draws = torch.stack(draws, 1)[rows]  # (B, 3, 3, 4, 4)
    return Evaluation(captions, real[rows], draws, edited[rows], index=rows)


def training(rows: Tensor) -> Evaluation:
    images = torch.rand(N, 3, 4, 4, generator=torch.Generator().manual_seed(2)) * 2 - 1
    return Evaluation(["x"] * len(rows), images[rows], images[rows][:, None])


def measure(name: str, parts: list[Tensor]) -> list:
    """All results of a metric over images that arrive in these batches of rows."""
    metric = METRICS[name]()
    for rows in parts:
        if metric.training_pictures:
            metric.update_training(training(rows))
    for rows in parts:
        metric.update(evaluation(rows))
    values = metric.compute()
    numbers = {key: [float(value), *bounds(value)] for key, value in values.items()}
    images = [list(image.tobytes()) for image in metric.images().values()]
    series = [sorted(x.tolist()) for s in metric.histograms().values() for x in s.values()]
    return [numbers, images, series]


def bounds(value: float) -> list[float]:
    found = [getattr(value, name, None) for name in ("n", "low", "high", "spread")]
    return [math.nan if bound is None else bound for bound in found]


def assert_equal(found: list, expected: list) -> None:
    assert found[0].keys() == expected[0].keys()
    for name, values in expected[0].items():
        assert found[0][name] == pytest.approx(values, rel=1e-6, nan_ok=True), name
    assert found[1] == expected[1]
    for one, other in zip(found[2], expected[2], strict=True):
        assert one == pytest.approx(other, rel=1e-6)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list]]:
    """The results of each of two processes, by metric."""
    folder = tmp_path_factory.mktemp("ranks")
    processes = [
        subprocess.Popen([sys.executable, __file__, str(rank), str(folder)]) for rank in range(2)
    ]
    assert [process.wait(timeout=200) for process in processes] == [0, 0]
    return [json.loads((folder / f"{rank}.json").read_text(encoding="utf-8")) for rank in range(2)]


@pytest.mark.parametrize("name", METRICS)
def test_two_processes_agree_with_one(name, ranks):
    expected = measure(name, [torch.arange(N)])
    for rank in ranks:
        assert_equal(rank[name], expected)


@pytest.mark.parametrize("name", METRICS)
def test_batches_of_any_size_in_any_order_change_nothing(name):
    expected = measure(name, [torch.arange(N)])
    order = torch.randperm(N, generator=torch.Generator().manual_seed(3))
    for parts in (torch.arange(N).split(7), order.split(1), order.split([30, N - 30])):
        assert_equal(measure(name, list(parts)), expected)


def main(rank: int, folder: Path) -> None:
    """One process: every second row, and fewer of them in the second one, as two batches."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    rows = torch.arange(N)
    mine = rows[rows % 3 == 0] if rank else rows[rows % 3 != 0]
    found = {name: measure(name, [mine[:5], mine[5:]]) for name in METRICS}
    torch.distributed.destroy_process_group()
    (folder / f"{rank}.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
