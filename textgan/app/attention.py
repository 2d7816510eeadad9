"""The generator's attention to a word, as a heat map over each image of a request."""

from PIL import Image

from textgan.app.sampling import Samples, options_of
from textgan.image.heat import overlay
from textgan.pipeline import TextToImagePipeline


def words(pipeline: TextToImagePipeline, caption: str) -> list[str]:
    """A caption's words, weights removed; none if the generator attends to no words."""
    return pipeline.words(caption) if "attention" in pipeline.abilities else []


def attention_overlays(
    pipeline: TextToImagePipeline, samples: Samples, word: int
) -> list[Image.Image]:
    """Lay the attention to one word, given by its place in `words`, over each image.

    Raises:
        ValueError: the generator reads fewer words.
    """
    request = samples.request
    found = pipeline.attentions(
        request.caption,
        seed=request.seed,
        indices=range(len(samples.images)),
        **options_of(pipeline, "attention", request.options),
    )
    if not 0 <= word < len(found[0]):
        raise ValueError(f"The generator reads fewer than {word + 1} words of the caption.")
    maps = [attention[word].map.numpy() for attention in found]
    return [overlay(image, heat) for image, heat in zip(samples.images, maps, strict=True)]
