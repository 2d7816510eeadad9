"""Does a contrastive model find the caption of a picture, and the picture of a caption?"""

import torch
import torchmetrics
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from textgan.metric.interval import share
from textgan.seed import seed_from
from textgan.types import Measurement

RANKS = (1, 5, 10)
_CHUNK = 512


class Retrieval(torchmetrics.Metric):
    """Recall at 1, 5 and 10, both ways, over all pictures and all captions that were taken in.

    Of a picture it counts whether one of its captions is among the first k, as is usual where
    pictures have five (Karpathy & Fei-Fei 2015); of a caption, whether a picture that bears it is.
    Equal captions are one. Chance falls with the number of pictures, so compare over the same.
    """

    full_state_update = False

    def __init__(self):
        super().__init__()
        for name in ("images", "index", "texts", "ids", "owners"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(
        self, images: Tensor, index: Tensor, texts: Tensor, captions: list[list[str]]
    ) -> None:
        """Take in a batch.

        Args:
            images: (B, D) unit encodings.
            index: (B,) int64, the pictures' rows in the data set.
            texts: (M, D) unit encodings of all captions, one picture's after the other's.
            captions: of each picture, M in all.
        """
        self.images.append(images)
        self.index.append(index)
        self.texts.append(texts)
        ids = [seed_from(text) for own in captions for text in own]
        owners = [row for row, own in zip(index.tolist(), captions, strict=True) for _ in own]
        self.ids.append(torch.tensor(ids, device=images.device))
        self.owners.append(torch.tensor(owners, device=images.device))

    def compute(self) -> dict[str, float]:
        """`image_to_text_r1`, ..., `text_to_image_r10`, shares in [0, 1], and counts "n_..."."""
        images, index = dim_zero_cat(self.images).float(), dim_zero_cat(self.index)
        index, first, _ = _unique(index)  # one shown in a broken one's place counts once
        images = images[first]
        ids, first, place = _unique(dim_zero_cat(self.ids))
        texts = dim_zero_cat(self.texts).float()[first]  # (U, D)
        relevant = torch.zeros(len(images), len(ids), dtype=torch.bool, device=images.device)
        relevant[torch.searchsorted(index, dim_zero_cat(self.owners)), place] = True
        found = {
            **_recalls("image_to_text", images, texts, relevant),
            **_recalls("text_to_image", texts, images, relevant.T),
        }
        return found | {"n_pictures": float(len(images)), "n_captions": float(len(ids))}


def _unique(ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Different ids, where each is first met, and the place of every one among them."""
    unique, place = ids.unique(return_inverse=True)
    rows = torch.arange(len(ids), device=ids.device)
    first = torch.full_like(unique, len(ids)).scatter_reduce(0, place, rows, "amin")
    return unique, first, place


def _recalls(name: str, asking: Tensor, asked: Tensor, relevant: Tensor) -> dict[str, Measurement]:
    """Share of those asking that have something relevant among their k most similar asked ones.

    Something that is not relevant and as similar stands before it, so that a model that finds all
    alike scores 0.
    """
    before = []
    for own, fits in zip(asking.split(_CHUNK), relevant.split(_CHUNK), strict=True):
        similarity = own @ asked.T  # (chunk, asked)
        best = similarity.masked_fill(~fits, -torch.inf).amax(1, keepdim=True)
        before.append(((similarity >= best) & ~fits).sum(1))
    before = torch.cat(before)  # (n,)
    return {f"{name}_r{k}": share(before < k) for k in RANKS}


class NearMisses(torchmetrics.Metric):
    """How often a picture's own caption is more similar than one that is nearly right."""

    full_state_update = False

    def __init__(self):
        super().__init__()
        self.add_state("right", [], dist_reduce_fx="cat")

    def update(self, images: Tensor, texts: Tensor, wrong: Tensor) -> None:
        """Take in unit encodings (B, D) of pictures, their captions and the nearly right ones."""
        self.right.append((images * texts).sum(1) > (images * wrong).sum(1))

    def compute(self) -> dict[str, float]:
        """`accuracy`, a share in [0, 1]; chance is 0.5."""
        return {"accuracy": share(dim_zero_cat(self.right))}
