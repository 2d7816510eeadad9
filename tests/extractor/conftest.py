"""Inception written down a second time, as pytorch-fid has it, and a file of its weights.

It has torchvision's names, and a batch norm of its own behind each convolution.
"""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from textgan.extractor.inception import _resize

_FORK = (("a", (1, 3)), ("b", (3, 1)))


class Reference:
    """Inception by convolution, batch norm and ReLU over a state dict in float64.

    What the state dict lacks is drawn when it is first used.
    """

    def __init__(self):
        self.state: dict[str, Tensor] = {}
        self.generator = torch.Generator().manual_seed(0)

    def draw(self, name: str, shape: tuple[int, ...], *, mean: float, std: float) -> Tensor:
        if name not in self.state:
            noise = torch.randn(shape, generator=self.generator)
            self.state[name] = mean + std * noise
        return self.state[name].double()

    def conv(self, name: str, x: Tensor, width: int, height_width, stride=1, padding=None):
        fan_in = x.shape[1] * height_width[0] * height_width[1]
        shape = (width, x.shape[1], *height_width)
        weight = self.draw(f"{name}.conv.weight", shape, mean=0, std=(2 / fan_in) ** 0.5)
        padding = [side // 2 for side in height_width] if padding is None else padding
        x = F.conv2d(x, weight, stride=stride, padding=padding)
        moments = {"running_mean": (0, 0.3), "weight": (1, 0.1), "bias": (0, 0.3)}
        norm = {
            kind: self.draw(f"{name}.bn.{kind}", (width,), mean=mean, std=std)
            for kind, (mean, std) in moments.items()
        }
        if f"{name}.bn.running_var" not in self.state:  # small enough that eps counts
            drawn = torch.rand(width, generator=self.generator)
            self.state[f"{name}.bn.running_var"] = 0.005 + drawn * x.var().item()
        variance = self.state[f"{name}.bn.running_var"].double()
        return F.batch_norm(x, running_var=variance, eps=0.001, **norm).relu()

    def row(self, name: str, x: Tensor, *steps) -> Tensor:
        """Convolutions one after the other: (name, width, kernel, ...)."""
        for step, *rest in steps:
            x = self.conv(f"{name}.branch{step}", x, *rest)
        return x

    def mixed_5(self, name: str, x: Tensor, pooled: int) -> Tensor:
        average = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        short = ("5x5_1", 48, (1, 1)), ("5x5_2", 64, (5, 5))
        long = ("3x3dbl_1", 64, (1, 1)), ("3x3dbl_2", 96, (3, 3)), ("3x3dbl_3", 96, (3, 3))
        ends = ("1x1", 64, (1, 1)), ("_pool", pooled, (1, 1))
        rows = ((x, ends[0]), (x, *short), (x, *long), (average, ends[1]))
        return torch.cat([self.row(name, start, *steps) for start, *steps in rows], 1)

    def mixed_6a(self, x: Tensor) -> Tensor:
        steps = (
            ("3x3dbl_1", 64, (1, 1)),
            ("3x3dbl_2", 96, (3, 3)),
            ("3x3dbl_3", 96, (3, 3), 2, 0),
        )
        outer = self.row("Mixed_6a", x, ("3x3", 384, (3, 3), 2, 0))
        return torch.cat([outer, self.row("Mixed_6a", x, *steps), F.max_pool2d(x, 3, 2)], 1)

    def mixed_6(self, name: str, x: Tensor, width: int) -> Tensor:
        average = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        long = (
            ("7x7dbl_1", width, (1, 1)),
            ("7x7dbl_2", width, (7, 1)),
            ("7x7dbl_3", width, (1, 7)),
            ("7x7dbl_4", width, (7, 1)),
            ("7x7dbl_5", 192, (1, 7)),
        )
        short = (("7x7_1", width, (1, 1)), ("7x7_2", width, (1, 7)), ("7x7_3", 192, (7, 1)))
        ends = ("1x1", 192, (1, 1)), ("_pool", 192, (1, 1))
        rows = ((x, ends[0]), (x, *short), (x, *long), (average, ends[1]))
        return torch.cat([self.row(name, start, *steps) for start, *steps in rows], 1)

    def mixed_7a(self, x: Tensor) -> Tensor:
        long = (
            ("7x7x3_1", 192, (1, 1)),
            ("7x7x3_2", 192, (1, 7)),
            ("7x7x3_3", 192, (7, 1)),
            ("7x7x3_4", 192, (3, 3), 2, 0),
        )
        short = (("3x3_1", 192, (1, 1)), ("3x3_2", 320, (3, 3), 2, 0))
        rows = [self.row("Mixed_7a", x, *steps) for steps in (short, long)]
        return torch.cat([*rows, F.max_pool2d(x, 3, 2)], 1)

    def mixed_7(self, name: str, x: Tensor, pooled: Tensor) -> Tensor:
        short = self.row(name, x, ("3x3_1", 384, (1, 1)))
        long = self.row(name, x, ("3x3dbl_1", 448, (1, 1)), ("3x3dbl_2", 384, (3, 3)))
        rows = (
            (x, "1x1", 320, (1, 1)),
            *((short, f"3x3_2{letter}", 384, kernel) for letter, kernel in _FORK),
            *((long, f"3x3dbl_3{letter}", 384, kernel) for letter, kernel in _FORK),
            (pooled, "_pool", 192, (1, 1)),
        )
        return torch.cat([self.row(name, start, step) for start, *step in rows], 1)

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        maps = {}
        x = (_resize(images.float()).double() - 128) / 128
        x = self.conv("Conv2d_1a_3x3", x, 32, (3, 3), 2, 0)
        x = self.conv("Conv2d_2a_3x3", x, 32, (3, 3), 1, 0)
        x = maps["64"] = F.max_pool2d(self.conv("Conv2d_2b_3x3", x, 64, (3, 3)), 3, 2)
        x = self.conv("Conv2d_3b_1x1", x, 80, (1, 1))
        x = maps["192"] = F.max_pool2d(self.conv("Conv2d_4a_3x3", x, 192, (3, 3), 1, 0), 3, 2)
        for name, pooled in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
            x = self.mixed_5(name, x, pooled)
        x = self.mixed_6a(x)
        for letter, width in (("b", 128), ("c", 160), ("d", 160), ("e", 192)):
            x = maps["768"] = self.mixed_6(f"Mixed_6{letter}", x, width)
        x = maps["1280"] = self.mixed_7a(x)
        x = self.mixed_7("Mixed_7b", x, F.avg_pool2d(x, 3, 1, 1, count_include_pad=False))
        x = maps["2048"] = self.mixed_7("Mixed_7c", x, F.max_pool2d(x, 3, 1, 1))
        outputs = {tap: x.mean((2, 3)) for tap, x in maps.items()}
        weight = self.draw("fc.weight", (1008, 2048), mean=0, std=0.02)
        self.draw("fc.bias", (1008,), mean=5, std=1)
        return outputs | {"logits": outputs["2048"] @ weight.T}


@pytest.fixture(scope="module")
def reference() -> tuple[dict[str, Tensor], Tensor, dict[str, Tensor]]:
    """A state dict of random weights, two images, and the outputs of its network for them."""
    net = Reference()
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=net.generator)
    return net.state, images, net(images)


@pytest.fixture(scope="module")
def full(reference, tmp_path_factory) -> Path:
    """The state dict as a file, with the keys beside that are ignored."""
    counts = {"Conv2d_1a_3x3.bn.num_batches_tracked": torch.tensor(7)}
    file = tmp_path_factory.mktemp("full") / "weights-inception-2015-12-05-6726825d.pth"
    torch.save({**reference[0], **counts, "AuxLogits.fc.weight": torch.zeros(1)}, file)
    return file
