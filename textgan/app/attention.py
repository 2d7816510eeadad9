"""Where the generator looked at a word, as heat over the pictures."""

import matplotlib
import numpy as np
from PIL import Image

from textgan.app.drawing import Drawing
from textgan.image import on_white
from textgan.pipeline import GANPipeline


def has_attention(pipeline: GANPipeline) -> bool:
    """Whether the generator looks at single words, so that there is something to show."""
    try:
        pipeline.attention("a")
    except ValueError:
        return False
    return True


def words(pipeline: GANPipeline, caption: str) -> list[str]:
    """The words of a caption that the generator may look at, in their order, weights left out."""
    return pipeline.words(caption)


def look(pipeline: GANPipeline, drawing: Drawing, word: int) -> list[Image.Image]:
    """The pictures of a drawing under the heat of one word.

    Args:
        pipeline: what drew it.
        drawing: what `draw` returned.
        word: its place in `words(pipeline, drawing.caption)`.

    Raises:
        ValueError: the caption has no such word.
    """
    pictures = pipeline.attentions(
        drawing.caption,
        seed=drawing.seed,
        indices=range(len(drawing.images)),
        truncation=drawing.truncation,
    )
    if not 0 <= word < len(pictures[0]):
        raise ValueError(f"The caption has no word number {word + 1} that was read.")
    maps = [found[word].map.numpy() for found in pictures]
    return [overlay(image, heat) for image, heat in zip(drawing.images, maps, strict=True)]


def overlay(picture: Image.Image, heat: np.ndarray) -> Image.Image:
    """A picture under heat: gray where there is none, glowing where there is most.

    Args:
        picture: of mode L, RGB or RGBA; transparency is white.
        heat: (H, W) in [0, 1], of the picture's size.
    """
    gray = np.asarray(on_white(picture).convert("L"), dtype=np.float32)[..., None]  # (H, W, 1)
    glow = 255 * matplotlib.colormaps["inferno"](heat)[..., :3]  # (H, W, 3)
    opacity = 0.2 + 0.65 * heat[..., None]
    mixed = (1 - opacity) * gray + opacity * glow
    return Image.fromarray(mixed.round().astype(np.uint8))
