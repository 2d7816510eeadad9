"""A recurrent layer over the words of a caption."""

import torch
from torch import Tensor, nn


class BidirectionalGRU(nn.Module):
    """A gated recurrent unit (Cho et al. 2014) in each direction, projected to one output.

    The output at a word depends on the words before it and after it. Padding must be on the right;
    it does not change the output at real words.

    Args:
        width: width of the words, in and out.
    """

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.forwards = nn.GRU(width, width, batch_first=True)
        self.backwards = nn.GRU(width, width, batch_first=True)
        self.output = nn.Linear(2 * width, width)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """Words (B, L, D), mask (B, L) True at real words -> (B, L, D)."""
        words = self.norm(words)
        position = torch.arange(words.shape[1], device=words.device)  # (L,)
        mirrored = mask.sum(1, keepdim=True) - 1 - position  # (B, L), negative after the last word
        mirrored = torch.where(mirrored < 0, position, mirrored)[..., None].expand_as(words)
        right, _ = self.forwards(words)
        left, _ = self.backwards(words.gather(1, mirrored))
        return self.output(torch.cat([right, left.gather(1, mirrored)], -1))
