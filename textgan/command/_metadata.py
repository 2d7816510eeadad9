"""Metadata of sampled PNG files: captions, program, and how they were drawn."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textgan.pipeline import Pipeline


def model_facts(pipeline: "Pipeline", options: dict[str, float]) -> dict[str, object]:
    """Return the kind of model, the hash of its weights, and the values of all its options.

    Those of a cascade name kind and weights of each stage too.
    """
    facts = {
        **_kind(pipeline),
        "options": {option.name: option.default for option in pipeline.options} | options,
    }
    if len(pipeline.stages) > 1:
        facts["stages"] = [_kind(stage) for stage in pipeline.stages]
    return facts


def _kind(pipeline: "Pipeline") -> dict[str, str]:
    from textgan.pretrained.frozen import weights_hash

    return {"pipeline": type(pipeline).__name__, "weights": weights_hash(pipeline)}


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
