"""Size, speed and memory of the pipeline."""

import platform
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from textgan.metric.base import Metric
from textgan.metric.interval import median
from textgan.types import Evaluation, Measurement

_MIB = 2**20


class Speed(Metric):
    """Cost of sampling on the pipeline's device; the evaluation's own samples are not used.

    Times are wall-clock times, from captions as strings to images on the device; other programs on
    the machine make them longer. Each time or rate is a median over repeats, and `low` and `high`
    are the bounds of its 95 % confidence interval, from order statistics, so that no distribution
    is assumed. The values hold only for this machine at this time.

    Args:
        repeats: number of timed calls for one image and for a batch.
        batch_size: images of a batch; the pipeline samples a large one in parts.
        warmup: number of calls before the timed ones, for one image and for a batch.
    """

    test_only = True

    def __init__(self, *, repeats: int = 30, batch_size: int = 16, warmup: int = 3):
        super().__init__(compute_with_cache=False)
        if min(repeats, batch_size) < 1 or warmup < 0:
            rule = "repeats and batch_size must be at least 1, and warmup at least 0"
            raise ValueError(f"{rule}, got {repeats}, {batch_size} and {warmup}")
        self.repeats, self.batch_size, self.warmup = repeats, batch_size, warmup
        self._observed: dict[str, float] = {}

    def update(self, evaluation: Evaluation) -> None:
        """Do nothing, as `observe` measures."""

    def observe(self, pipeline: nn.Module, captions: list[str]) -> None:
        """Measure `pipeline.sample(captions, seed=...)`, with the captions in turn.

        Raises:
            ValueError: there are no captions, or the pipeline does not sample.
        """
        if "sample" not in getattr(pipeline, "abilities", {"sample"}):
            kind = type(pipeline).__name__
            raise ValueError(f"speed needs a pipeline that samples captions, got a {kind}")
        if not captions:
            raise ValueError("captions must hold at least one caption, got none")
        device = next(pipeline.parameters()).device
        self.to(device)  # so that `protocol` names it
        seconds_one = self._seconds(pipeline, captions, 1, device)
        is_cuda = device.type == "cuda"
        if is_cuda:
            torch.cuda.reset_peak_memory_stats(device)
            before = torch.cuda.memory_allocated(device)
        seconds_batch = self._seconds(pipeline, captions, self.batch_size, device)
        parameters = sum(parameter.numel() for parameter in pipeline.parameters())
        self._observed = {
            "parameters": Measurement(parameters, n=1),
            "latency_ms": median(1000 * seconds_one),
            "images_per_second": median(self.batch_size / seconds_batch),
        }
        if is_cuda:  # without other tensors on the device, such as networks of other metrics
            beyond = torch.cuda.max_memory_allocated(device) - before
            weights = sum(x.nbytes for x in (*pipeline.parameters(), *pipeline.buffers()))
            size = (beyond + weights) / _MIB
            self._observed["peak_memory_mib"] = Measurement(size, n=self.repeats)

    def compute(self) -> dict[str, float]:
        """The values that were measured on this rank, without those of other ranks.

        `parameters`, trainable or not, each counted once; `latency_ms`, of one image;
        `images_per_second`, of a batch; on CUDA `peak_memory_mib`, the pipeline's weights plus the
        largest memory of further tensors during batches (torch has no such count for a CPU). n is
        the number of timed calls, and 1 for `parameters`.
        """
        return dict(self._observed)

    def reset(self) -> None:
        super().reset()
        self._observed = {}

    def protocol(self) -> dict[str, Any]:
        """The arguments, the device's name, and the number of threads that torch uses on a CPU."""
        return super().protocol() | {
            "device": _name(self.device),
            "threads": torch.get_num_threads(),
        }

    def _seconds(
        self, pipeline: nn.Module, captions: list[str], size: int, device: torch.device
    ) -> Tensor:
        """Seconds (repeats,) float64 of each timed call with `size` captions."""
        seconds, endless = [], cycle(captions)
        for repeat in range(self.warmup + self.repeats):
            prompts = list(islice(endless, size))
            _wait_for(device)
            start = time.perf_counter()
            pipeline.sample(prompts, seed=repeat)
            _wait_for(device)
            seconds.append(time.perf_counter() - start)
        return torch.tensor(seconds[self.warmup :], dtype=torch.float64)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _name(device: torch.device) -> str:
    """The model of the GPU or of the processor, where it is known."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
