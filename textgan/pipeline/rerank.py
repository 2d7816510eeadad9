"""Re-ranking: of many samples, keep those that a contrastive model finds closest to the caption."""

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
    """Sample `candidates` images of each caption, and return the best ones, best first.

    As DALL-E does with CLIP (Ramesh et al. 2021, section 2.6). The judge compares the images with
    the caption, read without weights of words; an evaluation of the result must not use the same
    judge. `num_images_per_prompt` images of each caption are returned. The other arguments are
    those of a call of the pipeline.

    Raises:
        TypeError: the judge is no contrastive pipeline.
        ValueError: there are fewer candidates than images to return, or the judge has another
            number of channels than the images.
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
            f"judge must have the {images.shape[1]} channels of the images, "
            f"got one of {judge.image_encoder.channels}"
        )
    best = []
    for caption, own in zip(captions, images.split(candidates), strict=True):
        cosines = judge.similarity(own, parse(caption).text)[:, 0]  # (candidates,)
        best.append(own[cosines.argsort(descending=True)[:num_images_per_prompt]])
    return PipelineOutput(converted(torch.cat(best), output_type))
