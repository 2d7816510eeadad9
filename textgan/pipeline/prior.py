"""Image embeddings of captions, by a diffusion prior."""

from collections.abc import Sequence

import torch
from torch import Tensor

from textgan.caption.request import Key, keyed
from textgan.pipeline.base import Pipeline
from textgan.pipeline.contrastive import ContrastivePipeline
from textgan.pipeline.redrawing import GUIDANCE, STEPS
from textgan.prior.diffusion import DiffusionPrior
from textgan.seed import keyed_randn


class DiffusionPriorPipeline(Pipeline):
    """Captions -> text encoder of a contrastive model -> prior -> image embeddings.

    Args:
        prior: draws image embeddings.
        embedder: the contrastive model whose embeddings they are.
        trained_against: as in the base.

    Raises:
        ValueError: the prior draws embeddings of another width.
    """

    def __init__(
        self,
        prior: DiffusionPrior,
        embedder: ContrastivePipeline,
        *,
        trained_against: Sequence[str] = (),
    ):
        super().__init__()
        check_width(prior, embedder)
        self.prior, self.embedder = prior, embedder
        self.trained_against = list(trained_against)

    @property
    def is_fitted(self) -> bool:
        return self.embedder.is_fitted

    @torch.no_grad()
    def embed(
        self,
        captions: str | Sequence[str],
        *,
        seed: int = 0,
        indices: Sequence[int] | None = None,
        num_inference_steps: int = 25,
        guidance_scale: float = 1.0,
        batch_size: int = 64,
    ) -> Tensor:
        """Draw an image embedding for each of B captions -> (B, E) of length 1, float32.

        Args:
            captions: one caption, or several.
            seed: of the noise.
            indices: with the seed, the key of each caption's noise; by default its place.
            num_inference_steps: steps of the sampler.
            guidance_scale: of classifier-free guidance; 1 leaves it out.
            batch_size: captions at a time.

        Raises:
            ValueError: there is no caption, or a number is out of range.
        """
        STEPS.check(num_inference_steps)
        GUIDANCE.check(guidance_scale)
        batches = keyed(
            captions, num_images_per_prompt=1, seed=seed, indices=indices, batch_size=batch_size
        )
        found = []
        for batch in batches:
            texts, keys = map(list, zip(*batch, strict=True))
            found.append(
                embeddings_of(
                    self.prior,
                    self.embedder,
                    texts,
                    keys,
                    num_inference_steps=num_inference_steps,
                    guidance_scale=guidance_scale,
                )
            )
        return torch.cat(found)


def embeddings_of(
    prior: DiffusionPrior,
    embedder: ContrastivePipeline,
    captions: list[str],
    keys: list[Key],
    *,
    num_inference_steps: int,
    guidance_scale: float,
) -> Tensor:
    """Draw an image embedding for each of B captions, with the noise of its key -> (B, E)."""
    shape = (prior.draws, prior.embedding_width)
    noise = keyed_randn([(*key, "prior") for key in keys], shape).to(embedder.device)
    return prior.sample(
        embedder.text_encoder(captions),
        noise,
        steps=num_inference_steps,
        guidance_scale=guidance_scale,
        empty=embedder.text_encoder([""]),
    )


def check_width(prior: DiffusionPrior, embedder: ContrastivePipeline) -> None:
    """Raise a ValueError if a prior does not draw embeddings of the contrastive model's width."""
    width = embedder.image_encoder.width
    if prior.embedding_width != width:
        raise ValueError(
            f"prior must have the width of the contrastive model's embeddings, {width}, got "
            f"{prior.embedding_width}"
        )
