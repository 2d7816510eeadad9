"""Where the generator looked at a word, as heat over the pictures of a drawing."""

from PIL import Image

from textgan.app.drawing import Drawing, options_of
from textgan.image.heat import overlay
from textgan.pipeline import TextToImagePipeline


def words(pipeline: TextToImagePipeline, caption: str) -> list[str]:
    """The words of a caption, in their order, weights left out; none without attention to them."""
    return pipeline.words(caption) if "attention" in pipeline.abilities else []


def look(pipeline: TextToImagePipeline, drawing: Drawing, word: int) -> list[Image.Image]:
    """The pictures of a drawing under the heat of one word.

    Args:
        pipeline: what drew it, with the ability "attention".
        drawing: what `draw` returned.
        word: its place in `words(pipeline, drawing.caption)`.

    Raises:
        ValueError: the caption has no such word.
    """
    pictures = pipeline.attentions(
        drawing.caption,
        seed=drawing.seed,
        indices=range(len(drawing.images)),
        **options_of(pipeline, "attention", drawing.options),
    )
    if not 0 <= word < len(pictures[0]):
        raise ValueError(f"The caption has no word number {word + 1} that was read.")
    maps = [found[word].map.numpy() for found in pictures]
    return [overlay(image, heat) for image, heat in zip(drawing.images, maps, strict=True)]
