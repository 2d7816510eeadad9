"""Many draws, of which those are kept that a contrastive model finds closest to the caption."""

from collections.abc import Sequence

import torch

from textgan.caption.prompt import parse
from textgan.pipeline.base import OutputType, PipelineOutput, TextToImagePipeline, converted
from textgan.pipeline.contrastive import ContrastivePipeline


def rerank(
    pipeline: TextToImagePipeline,
    judge: ContrastivePipeline,
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
    """Draw `candidates` pictures of each caption and return the best ones, best first.

    As DALL-E does with CLIP (Ramesh et al. 2021, section 2.6). An evaluation of what is returned
    must not use the same judge.

    Args:
        pipeline: draws.
        judge: compares the draws with the caption, read without its weights.
        captions: what to draw.
        candidates: draws of each caption.
        num_images_per_prompt: how many of them are returned.
        seed: as in a call of the pipeline, and so are the next three.
        batch_size: as in a call.
        output_type: as in a call.
        progress: as in a call.
        options: further ones of that call, which the pipeline declares.

    Raises:
        TypeError: the judge is no contrastive pipeline.
        ValueError: there are fewer candidates than are to be returned, or the judge reads pictures
            of other channels than are drawn.
    """
    if not 1 <= num_images_per_prompt <= candidates:
        raise ValueError(
            f"candidates must be at least num_images_per_prompt, and that at least 1, "
            f"got {candidates} and {num_images_per_prompt}"
        )
    if not isinstance(judge, ContrastivePipeline):
        raise TypeError(f"judge must be a ContrastivePipeline, got {type(judge).__name__}")
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
    if images.shape[1] != judge.image_encoder.channels:
        raise ValueError(
            f"judge must read pictures of {images.shape[1]} channels, as they are drawn, "
            f"got one that reads {judge.image_encoder.channels}"
        )
    best = []
    for caption, drawn in zip(captions, images.split(candidates), strict=True):
        cosines = judge.similarity(drawn, parse(caption).text)[:, 0]  # (candidates,)
        best.append(drawn[cosines.argsort(descending=True)[:num_images_per_prompt]])
    return PipelineOutput(converted(torch.cat(best), output_type))
