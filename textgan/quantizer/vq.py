"""Vector quantization with a codebook that follows the latents."""

import torch
import torch.distributed
import torch.nn.functional as F
from torch import Tensor
from torch.distributed import all_reduce, broadcast, is_available, is_initialized

from textgan.quantizer.base import Quantizer
from textgan.types import Quantized

_SMALL = 1e-5


class VectorQuantizer(Quantizer):
    """Replaces each vector by the nearest of a codebook (VQ-VAE, van den Oord et al. 2017).

    The codebook is no parameter: each code is the moving average of the vectors that were replaced
    by it. It starts from vectors of the first batch, improved by k-means. In training, a code that
    is used less than `dead_below` times in an average batch restarts at a random vector of the
    batch, since it would be lost otherwise. The loss is the commitment |latent - code|^2, a mean
    over channels and positions.

    Args:
        channels: of the latents, divided among the groups.
        codebook_size: number of codes of a group.
        groups: codes at each position.
        decay: of the moving averages, per batch.
        dead_below: uses of a code in an average batch below which it restarts; 0 never restarts.
        normalised: whether vectors and codes are scaled to one length (ViT-VQGAN, Yu et al. 2022),
            so that the nearest code is the one of the highest cosine.

    Raises:
        ValueError: a number is out of range.
    """

    needs_loss = True

    def __init__(
        self,
        *,
        channels: int = 12,
        codebook_size: int = 512,
        groups: int = 1,
        decay: float = 0.99,
        dead_below: float = 0.03,
        normalised: bool = True,
    ):
        super().__init__()
        if groups < 1 or channels < 1 or channels % groups:
            rule = "channels must be a positive multiple of groups"
            raise ValueError(f"{rule}, got {channels} and {groups}")
        if codebook_size < 2:
            raise ValueError(f"codebook_size must be at least 2, got {codebook_size}")
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be within [0, 1), got {decay}")
        if dead_below < 0:
            raise ValueError(f"dead_below must be at least 0, got {dead_below}")
        self.in_channels = self.channels = channels
        self.groups, self.codebook_size = groups, codebook_size
        self.decay, self.dead_below, self.normalised = decay, dead_below, normalised
        width = channels // groups
        self.register_buffer("codebook", torch.randn(groups, codebook_size, width))
        self.register_buffer("uses", torch.ones(groups, codebook_size))
        self.register_buffer("sums", torch.zeros(groups, codebook_size, width))
        self.register_buffer("is_started", torch.zeros((), dtype=torch.bool))

    def forward(self, latents: Tensor, progress: float = 1.0) -> Quantized:
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.to(torch.promote_types(latents.dtype, torch.float32))
            vectors = self._vectors(latents)  # (groups, N, width)
            if self.training:
                self._start(vectors.detach())
            codes = self._nearest(vectors.detach())  # (groups, N)
            found = self._look_up(codes)
            if self.training:
                self._follow(vectors.detach(), codes)
            loss = (vectors - found).square().mean()
            values = self._maps(vectors + (found - vectors).detach(), latents.shape)
        return Quantized(values, self._maps(codes[..., None], latents.shape), loss)

    def decode(self, codes: Tensor) -> Tensor:
        self.check(codes)
        found = self._look_up(codes.transpose(0, 1).flatten(1))  # (groups, N, width)
        return self._maps(found, codes.shape)

    def _vectors(self, latents: Tensor) -> Tensor:
        """(B, C, H, W) -> (groups, B * H * W, C / groups), scaled to one length if asked for."""
        split = latents.unflatten(1, (self.groups, -1))
        return self._scaled(split.permute(1, 0, 3, 4, 2).flatten(1, 3))

    def _maps(self, vectors: Tensor, shape: torch.Size) -> Tensor:
        """(groups, B * H * W, width) -> (B, groups * width, H, W), for B, H and W of `shape`."""
        batch, _, height, width = shape
        return vectors.unflatten(1, (batch, height, width)).permute(1, 0, 4, 2, 3).flatten(1, 2)

    def _scaled(self, vectors: Tensor) -> Tensor:
        """The vectors, of mean square 1 if `normalised`."""
        length = vectors.shape[-1] ** 0.5
        return F.normalize(vectors, dim=-1) * length if self.normalised else vectors

    def _nearest(self, vectors: Tensor) -> Tensor:
        """(groups, N, width) -> (groups, N), the number of the nearest code."""
        codebook = self.codebook.to(vectors.dtype)
        half = codebook.square().sum(-1)[:, None] / 2
        return (half - vectors @ codebook.mT).argmin(-1)

    def _look_up(self, codes: Tensor) -> Tensor:
        """(groups, N) -> (groups, N, width)."""
        groups = torch.arange(self.groups, device=codes.device)[:, None]
        return self.codebook[groups, codes]

    def _start(self, vectors: Tensor) -> None:
        if self.is_started:
            return
        self.codebook.copy_(self._chosen(vectors))
        for _ in range(10):  # k-means
            uses, sums = self._counted(vectors, self._nearest(vectors))
            means = self._scaled(sums / uses.clamp(min=1)[..., None])
            self.codebook.copy_(torch.where(uses[..., None] > 0, means, self.codebook))
        self.uses.copy_(uses)
        self.sums.copy_(self.codebook * uses[..., None])
        self.is_started.fill_(True)

    def _follow(self, vectors: Tensor, codes: Tensor) -> None:
        """Move the codebook towards the vectors, and restart dead codes."""
        uses, sums = self._counted(vectors, codes)
        self.uses.lerp_(uses, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        total = self.uses.sum(-1, keepdim=True)
        # Laplace smoothing, so that a code without uses is not divided by 0.
        smooth = (self.uses + _SMALL) / (total + self.codebook_size * _SMALL) * total
        means = self._scaled(self.sums / smooth[..., None])
        # A code that was hardly used for long stays where it is.
        means = torch.where(self.uses[..., None] > 1e-3, means, self.codebook)
        dead = self.uses < self.dead_below
        if dead.any():
            fresh = self._chosen(vectors)
            means = torch.where(dead[..., None], fresh, means)
            self.uses.masked_fill_(dead, 1.0)
            self.sums.copy_(torch.where(dead[..., None], fresh, self.sums))
        self.codebook.copy_(means)

    def _counted(self, vectors: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Uses (groups, K) and sums (groups, K, width) of the vectors of each code.

        They are summed over all processes.
        """
        places = torch.arange(self.groups, device=codes.device)[:, None] * self.codebook_size
        flat = (codes + places).flatten()
        total = self.groups * self.codebook_size
        uses = torch.bincount(flat, minlength=total).to(vectors.dtype)
        sums = vectors.new_zeros(total, vectors.shape[-1]).index_add_(
            0, flat, vectors.flatten(0, 1)
        )
        uses, sums = uses.unflatten(0, (self.groups, -1)), sums.unflatten(0, (self.groups, -1))
        if is_available() and is_initialized():
            all_reduce(uses)
            all_reduce(sums)
        return uses, sums

    def _chosen(self, vectors: Tensor) -> Tensor:
        """Random vectors (groups, K, width), the first process's in all processes."""
        places = torch.randint(vectors.shape[1], (self.codebook_size,)).to(vectors.device)
        chosen = vectors[:, places].contiguous()
        if is_available() and is_initialized():
            broadcast(chosen, 0)
        return chosen
