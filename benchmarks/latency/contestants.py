"""The methods that are timed: one GAN in several ways, and a diffusion model of its size."""

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
from textgan.export.graph import SamplingGraph
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
    """A method that generates images, and its number of threads."""

    method: str
    threads: int


def contestants(
    pipeline: GANPipeline, methods: list[str], folders: dict[str, Path], *, steps: int
) -> dict[Setting, Callable[[list[str]], object]]:
    """Return a function from captions to images for each method, on one thread and on all.

    Args:
        pipeline: the GAN.
        methods: of `METHODS`.
        folders: the exported folders of "onnx" and "int8", if these methods are timed.
        steps: number of steps of the diffusion model.
    """
    diffusion = Diffusion(pipeline, steps) if "diffusion" in methods else None
    found: dict[Setting, Callable[[list[str]], object]] = {}
    for threads in sorted({1, os.cpu_count() or 1}):
        for method in methods:
            if method in folders:
                sample = ExportedPipeline(folders[method], threads=threads)
            elif method == "compile":
                sample = Compiled(pipeline)  # one for each number of threads
            else:
                sample = diffusion if method == "diffusion" else pipeline
            found[Setting(method, threads)] = sample
    return found


class Compiled:
    """A pipeline whose text encoder and generator are compiled, for any number of captions."""

    def __init__(self, pipeline: GANPipeline):
        self.graph = SamplingGraph(pipeline)
        self.tokenizer = self.graph.tokenizer
        self.graph.compile(dynamic=True)

    @torch.no_grad()
    def __call__(self, captions: list[str]) -> list[Image.Image]:
        noise = keyed_randn(_keys(captions), self.graph.pipeline.noise_shape)
        return [to_pil(image) for image in self.graph(*self.tokenizer(captions), noise)]


class Diffusion:
    """Generate images by deterministic DDIM (Song et al. 2021), without guidance.

    The U-Net is untrained. It attends to the words at a half and a quarter of the image's size.

    Args:
        pipeline: The GAN. Its text encoder is copied. The U-Net generates images of the same size
            and has as many parameters as the GAN's generator, to within 10 %.
        steps: forward passes of the U-Net for one image.

    Raises:
        ConfigError: No width of the U-Net has that number of parameters.
    """

    def __init__(self, pipeline: GANPipeline, steps: int):
        from diffusers import DDIMScheduler

        generator, self.text_encoder = pipeline.generator, copy.deepcopy(pipeline.text_encoder)
        self.shape = generator.sample_shape
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
        """Return the channels at the full size and at the smaller ones for `wanted` parameters."""
        with torch.device("meta"):  # counts parameters without memory for weights
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
            attention_head_dim=4,  # the number of heads, in spite of the name
            norm_num_groups=4,
        )


def parameters(net: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(weight.numel() for weight in net.parameters())


def _keys(captions: list[str]) -> list[tuple[int, ...]]:
    return [(0, place, 0) for place in range(len(captions))]
