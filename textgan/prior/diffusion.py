"""A diffusion over image embeddings, given a caption."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.diffusion.base import Diffusion
from textgan.diffusion.sampling import guided, sampled
from textgan.layer import RMSNorm, TransformerBlock
from textgan.layer.waves import waves
from textgan.pretrained.part import Part
from textgan.types import TextFeatures


class DiffusionPrior(Part):
    """p(image embedding | caption), for the embeddings of a contrastive model.

    The prior of DALL-E 2 (Ramesh et al. 2022, section 2.2): a transformer sees the words, the
    embedding of the caption, the time, the noisy image embedding, and a learned position whose
    output is the prediction. Embeddings of length 1 are scaled by sqrt(E), so that their numbers
    have a variance of about 1, like the noise.

    Args:
        embedding_width: length E of an embedding.
        text_width: width of the words; the pooled text is the embedding of the caption.
        embedder: SHA-256 of the weights of the contrastive model; "" if it is unknown.
        diffusion: makes embeddings noisy, and draws them. The paper predicts the clean embedding
            ("sample").
        width: of the transformer.
        depth: number of blocks.
        num_heads: heads of each block.
        draws: embeddings that are drawn for a caption; the nearest one to the embedding of the
            caption is kept, as in the paper.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        embedding_width: int,
        text_width: int,
        embedder: str,
        *,
        diffusion: Diffusion,
        width: int = 256,
        depth: int = 6,
        num_heads: int = 4,
        draws: int = 2,
    ):
        super().__init__()
        numbers = {"embedding_width": embedding_width, "depth": depth, "draws": draws}
        for name, value in numbers.items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.embedding_width, self.text_width = embedding_width, text_width
        self.diffusion, self.draws, self.embedder = diffusion, draws, embedder
        self.words = nn.Linear(text_width, width)
        self.pooled = nn.Linear(text_width, width)
        self.time = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.noisy = nn.Linear(embedding_width, width)
        self.kinds = nn.Parameter(torch.randn(4, width) * 0.5)  # of all positions but the words
        self.blocks = nn.ModuleList(
            TransformerBlock(width, num_heads=num_heads) for _ in range(depth)
        )
        self.norm = RMSNorm(width)
        self.prediction = nn.Linear(width, embedding_width)
        nn.init.zeros_(self.prediction.weight)
        nn.init.zeros_(self.prediction.bias)

    def forward(self, noisy: Tensor, time: Tensor, text: TextFeatures) -> Tensor:
        """Predict.

        Args:
            noisy: (B, E), scaled embeddings with noise.
            time: (B,) in [0, 1].
            text: of B captions, by the contrastive model.

        Returns:
            (B, E): what the diffusion lets it predict.
        """
        positions = [
            self.pooled(text.pooled),
            self.time(waves(time, 256).to(noisy.dtype)),
            self.noisy(noisy),
            torch.zeros_like(self.kinds[0]).expand(len(noisy), -1),
        ]
        own = torch.stack(positions, 1) + self.kinds
        x = torch.cat([self.words(text.words), own], 1)  # (B, L + 4, width)
        mask = F.pad(text.mask, (0, len(self.kinds)), value=True)[:, None]
        mask = mask.expand(-1, x.shape[1], -1)
        for block in self.blocks:
            x = block(x, mask)
        return self.prediction(self.norm(x[:, -1]))

    def loss(self, embeddings: Tensor, text: TextFeatures, noise: Tensor, times: Tensor) -> Tensor:
        """The mean squared error of the prediction, a scalar.

        Args:
            embeddings: (B, E), of length 1.
            text: of B captions, by the contrastive model.
            noise: (B, E), standard normal.
            times: (B,), standard normal numbers, which decide the times.
        """
        scaled = embeddings.float() * self.embedding_width**0.5
        noised = self.diffusion.noised(_as_map(scaled), _as_map(noise.float()), times.float())
        values = noised.values[:, :, 0, 0].to(text.pooled.dtype)
        prediction = self(values, noised.time, text).float()
        errors = (prediction - noised.target[:, :, 0, 0]).square().mean(1)  # (B,)
        return (noised.weight * errors).mean()

    def sample(
        self,
        text: TextFeatures,
        noise: Tensor,
        *,
        steps: int = 25,
        guidance_scale: float = 1.0,
        empty: TextFeatures | None = None,
    ) -> Tensor:
        """Draw an image embedding for each of B captions -> (B, E) of length 1, float32.

        Args:
            text: of the captions, by the contrastive model.
            noise: (B, draws, E), standard normal.
            steps: of the sampler.
            guidance_scale: s of classifier-free guidance; 1 leaves it out.
            empty: features of the empty caption, (1, ...), for guidance.

        Raises:
            ValueError: there is guidance, and no empty caption.
        """
        count, draws = noise.shape[:2]
        each = text.repeat_interleave(draws)
        if guidance_scale != 1:
            if empty is None:
                raise ValueError("guidance needs the features of the empty caption, got none")
            each = TextFeatures.cat([each, empty.repeat_interleave(len(each))])

        def predict(seen: Tensor, times: Tensor) -> Tensor:
            x = seen[:, :, 0, 0].to(text.pooled.dtype)
            if guidance_scale == 1:
                return _as_map(self(x, times, each).float())
            both = self(x.repeat(2, 1), times.repeat(2), each).float()
            return _as_map(guided(*both.chunk(2), scale=guidance_scale))

        found = sampled(self.diffusion, predict, _as_map(noise.flatten(0, 1).float()), steps=steps)
        found = F.normalize(found[:, :, 0, 0], dim=1).unflatten(0, (count, draws))
        captions = F.normalize(text.pooled.float(), dim=1)
        nearest = torch.einsum("bde,be->bd", found, captions).argmax(1)
        return found[torch.arange(count, device=found.device), nearest]


def _as_map(embeddings: Tensor) -> Tensor:
    """(B, E) -> (B, E, 1, 1), as diffusions take samples."""
    return embeddings[:, :, None, None]
