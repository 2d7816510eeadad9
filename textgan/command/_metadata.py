"""Metadata of sampled PNG files: captions, program, and how they were drawn."""

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textgan.pipeline import TextToImagePipeline


def drawing_facts(
    pipeline: "TextToImagePipeline", words: argparse.Namespace, options: dict[str, float]
) -> dict[str, object]:
    """Return how the samples were drawn: seed, model and settings."""
    from textgan.pretrained.frozen import weights_hash

    facts = {
        "seed": words.seed,
        "pipeline": type(pipeline).__name__,
        "weights": weights_hash(pipeline),
        "options": {option.name: option.default for option in pipeline.options} | options,
        "same_noise": words.same_noise,
    }
    if words.rerank is not None:
        facts |= {"reranked": True, "candidates": words.candidates}
    return facts


def png_texts(
    facts: dict[str, object] | None, captions: list[str], **place: object
) -> dict[str, str]:
    """Return what a PNG says of itself: captions, program, and the facts as JSON.

    `place` is the key of a single sample's noise (seed, number of the caption, number of the
    sample), or its rank among the candidates.
    """
    if facts is None:
        return {}
    from textgan import __version__

    return {
        "Description": "\n".join(captions),
        "Software": f"textgan {__version__}",
        "textgan": json.dumps({"captions": captions, **facts, **place}),
    }
