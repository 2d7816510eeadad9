"""Conversions to and from the range [-1, 1], which all images inside textgan have."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_uint8(images: Tensor) -> Tensor:
    """[-1, 1] float -> [0, 255] uint8, clamped and rounded (never truncated, never wrapped)."""
    return ((images.float() + 1) * 127.5).clamp(0, 255).round().to(torch.uint8)


def from_uint8(images: Tensor) -> Tensor:
    """[0, 255] uint8 -> [-1, 1] float32."""
    return images.float() / 127.5 - 1


def to_rgb_uint8(images: Tensor) -> Tensor:
    """(B, C, H, W) in [-1, 1] -> (B, 3, H, W) uint8: gray repeated, transparency on white."""
    if images.shape[1] == 4:
        opacity = to_unit(images[:, 3:].float()).clamp(0, 1)
        images = images[:, :3] * opacity + (1 - opacity)  # white is 1
    return to_uint8(images).expand(-1, 3, -1, -1)


def to_unit(images: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1], unclamped, the range of kornia."""
    return (images + 1) / 2


def from_unit(images: Tensor) -> Tensor:
    """[0, 1] -> [-1, 1], unclamped."""
    return images * 2 - 1


def to_pil(image: Tensor) -> Image.Image:
    """One image (C, H, W) in [-1, 1], C 1, 3 or 4 -> PIL image of mode L, RGB or RGBA."""
    array = to_uint8(image).permute(1, 2, 0).cpu().numpy()  # (H, W, C)
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def from_pil(image: Image.Image, channels: int = 3) -> Tensor:
    """PIL image -> (channels, H, W) in [-1, 1]; channels 1, 3 or 4 mean L, RGB or RGBA."""
    array = np.array(image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels]))
    return from_uint8(torch.from_numpy(array.reshape(*array.shape[:2], channels))).permute(2, 0, 1)
