"""What draws: one GAN in several ways, and a diffusion model of its size."""

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import nn

from textgan.errors import ConfigError
from textgan.export import ExportedPipeline
from textgan.export.graph import DrawingGraph
from textgan.image import to_pil
from textgan.pipeline import GANPipeline
from textgan.seed import keyed_randn

METHODS = {
    "eager": "GAN, PyTorch",
    "compile": "GAN, torch.compile",
    "onnx": "GAN, ONNX",
    "int8": "GAN, ONNX, int8",
    "diffusion": "diffusion, DDIM",
}


@dataclass(frozen=True)
class Setting:
    """By which method is drawn, on how many threads."""

    method: str
    threads: int


def contestants(
    pipeline: GANPipeline, methods: list[str], folders: dict[str, Path], *, steps: int
) -> dict[Setting, Callable[[list[str]], object]]:
    """What draws captions, on one thread and on all.

    Args:
        pipeline: the GAN.
        methods: of `METHODS`.
        folders: where "onnx" and "int8" were exported to, as far as they are among them.
        steps: of the diffusion.
    """
    diffusion = Diffusion(pipeline, steps) if "diffusion" in methods else None
    found: dict[Setting, Callable[[list[str]], object]] = {}
    for threads in sorted({1, os.cpu_count() or 1}):
        for method in methods:
            if method in folders:
                draw = ExportedPipeline(folders[method], threads=threads)
            elif method == "compile":
                draw = Compiled(pipeline)  # for its own number of threads
            else:
                draw = diffusion if method == "diffusion" else pipeline
            found[Setting(method, threads)] = draw
    return found


class Compiled:
    """A pipeline whose text encoder and generator are compiled, for any number of captions."""

    def __init__(self, pipeline: GANPipeline):
        self.graph = DrawingGraph(pipeline)
        self.tokenizer = self.graph.text_encoder.tokenizer
        self.graph.compile(dynamic=True)

    @torch.no_grad()
    def __call__(self, captions: list[str]) -> list[Image.Image]:
        noise = keyed_randn(_keys(captions), self.graph.pipeline.noise_shape)
        return [to_pil(image) for image in self.graph(*self.tokenizer(captions), noise)]


class Diffusion:
    """Captions -> pictures by deterministic DDIM (Song et al. 2021), without guidance.

    The U-Net is untrained. It attends to the words at a half and a quarter of the picture's size.

    Args:
        pipeline: its text encoder is copied; the U-Net's parameters are as many as its generator's,
            to 10 %, and the pictures as large.
        steps: forward passes of the U-Net for a picture.

    Raises:
        ConfigError: no width comes as close as that.
    """

    def __init__(self, pipeline: GANPipeline, steps: int):
        from diffusers import DDIMScheduler

        generator, self.text_encoder = pipeline.generator, copy.deepcopy(pipeline.text_encoder)
        self.shape = (generator.channels, generator.image_size, generator.image_size)
        wanted = parameters(generator)
        widths = self._widths(wanted)
        torch.manual_seed(0)
        self.net = self._net(*widths).eval().requires_grad_(False)
        if abs(parameters(self.net) - wanted) > 0.1 * wanted:
            got = f"{parameters(self.net):,} at widths {widths}"
            raise ConfigError(f"the U-Net must have {wanted:,} parameters to 10 %, got {got}")
        self.scheduler = DDIMScheduler()
        self.scheduler.set_timesteps(steps)

    @torch.no_grad()
    def __call__(self, captions: list[str]) -> list[Image.Image]:
        text = self.text_encoder(captions)
        x_t = keyed_randn(_keys(captions), self.shape)
        for t in self.scheduler.timesteps:
            eps = self.net(x_t, t, text.words, encoder_attention_mask=text.mask).sample
            x_t = self.scheduler.step(eps, t, x_t).prev_sample
        return [to_pil(image) for image in x_t]

    def _widths(self, wanted: int) -> tuple[int, int]:
        """Channels at the full size and below it, for about so many parameters."""
        with torch.device("meta"):  # sizes, and no weights
            first = 4
            while parameters(self._net(first + 4, 2 * (first + 4))) <= wanted:
                first += 4
            choices = [(first, second) for second in range(2 * first, 3 * first + 5, 4)]
            return min(choices, key=lambda widths: abs(parameters(self._net(*widths)) - wanted))

    def _net(self, first: int, second: int) -> nn.Module:
        from diffusers import UNet2DConditionModel

        channels, size, _ = self.shape
        return UNet2DConditionModel(
            sample_size=size,
            in_channels=channels,
            out_channels=channels,
            layers_per_block=1,
            block_out_channels=(first, second, second),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=self.text_encoder.width,
            attention_head_dim=4,  # how many heads, in spite of its name
            norm_num_groups=4,
        )


def parameters(net: nn.Module) -> int:
    """How many numbers are in its weights."""
    return sum(weight.numel() for weight in net.parameters())


def _keys(captions: list[str]) -> list[tuple[int, ...]]:
    return [(0, place, 0) for place in range(len(captions))]
