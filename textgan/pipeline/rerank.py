"""Re-ranking: of many samples, keep those that a model finds fit the caption best."""

from collections.abc import Sequence

import torch

from textgan.caption.prompt import parse
from textgan.pipeline.base import (
    OutputType,
    Pipeline,
    PipelineOutput,
    TextToImagePipeline,
    converted,
)


def rerank(
    pipeline: TextToImagePipeline,
    judge: Pipeline,
    captions: str | Sequence[str],
    *,
    candidates: int = 16,
    num_images_per_prompt: int = 1,
    seed: int = 0,
    batch_size: int = 64,
    output_type: OutputType = "pil",
    progress: bool = False,
    **options: float,
) -> PipelineOutput:
    """Sample `candidates` images of each caption, and return the best ones, best first.

    As DALL-E does with CLIP (Ramesh et al. 2021, section 2.6). The judge is a pipeline with the
    ability "rank": a contrastive one, which compares the images with the caption, or a DALL-E,
    which computes their log-likelihood and may be the pipeline itself. It reads the caption without
    weights of words. An evaluation of the result must not use the same judge.
    `num_images_per_prompt` images of each caption are returned. The other arguments are those of a
    call of the pipeline.

    Raises:
        TypeError: the judge cannot rank images.
        ValueError: there are fewer candidates than images to return, or the judge cannot see images
            of this shape.
    """
    if not 1 <= num_images_per_prompt <= candidates:
        raise ValueError(
            f"candidates must be at least num_images_per_prompt, and that at least 1, "
            f"got {candidates} and {num_images_per_prompt}"
        )
    if "rank" not in judge.abilities:
        rule = "judge must be a pipeline that ranks images, such as a ContrastivePipeline"
        raise TypeError(f"{rule}, got {type(judge).__name__}")
    captions = [captions] if isinstance(captions, str) else list(captions)
    images = pipeline(
        captions,
        num_images_per_prompt=candidates,
        seed=seed,
        batch_size=batch_size,
        output_type="pt",
        progress=progress,
        **options,
    ).images
    best = []
    for caption, own in zip(captions, images.split(candidates), strict=True):
        scores = judge.score(own, parse(caption).text)  # (candidates,)
        best.append(own[scores.argsort(descending=True)[:num_images_per_prompt]])
    return PipelineOutput(converted(torch.cat(best), output_type))
