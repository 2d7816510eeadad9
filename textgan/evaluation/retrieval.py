"""Retrieval of captions by images and of images by captions."""

import torch
import torchmetrics
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from textgan.metric.interval import share
from textgan.seed import stable_hash
from textgan.types import Measurement

RANKS = (1, 5, 10)
_CHUNK = 512


class Retrieval(torchmetrics.Metric):
    """Recall at 1, 5 and 10, in both directions, over all images and all captions.

    An image counts if one of its captions is among the first k, as is usual where images have five
    captions (Karpathy & Fei-Fei 2015); a caption counts if one of its images is. Equal captions
    are one. Chance falls with the number of images, so compare over the same images.
    """

    full_state_update = False

    def __init__(self):
        super().__init__()
        for name in ("images", "index", "texts", "ids", "owners"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(
        self, images: Tensor, index: Tensor, texts: Tensor, captions: list[list[str]]
    ) -> None:
        """Add a batch.

        Args:
            images: (B, D) unit encodings.
            index: (B,) int64, the images' rows in the data set.
            texts: (M, D) unit encodings of all captions, image by image.
            captions: the captions of each image, M in all.
        """
        self.images.append(images)
        self.index.append(index)
        self.texts.append(texts)
        ids = [stable_hash(text) for own in captions for text in own]
        owners = [row for row, own in zip(index.tolist(), captions, strict=True) for _ in own]
        self.ids.append(torch.tensor(ids, device=images.device))
        self.owners.append(torch.tensor(owners, device=images.device))

    def compute(self) -> dict[str, float]:
        """`image_to_text_r1`, ..., `text_to_image_r10`, shares in [0, 1], and counts "n_..."."""
        images, index = dim_zero_cat(self.images).float(), dim_zero_cat(self.index)
        # The data may give an image again in place of an unreadable one: it counts once.
        index, first, _ = _unique(index)
        images = images[first]
        ids, first, column = _unique(dim_zero_cat(self.ids))
        texts = dim_zero_cat(self.texts).float()[first]  # (U, D)
        relevant = torch.zeros(len(images), len(ids), dtype=torch.bool, device=images.device)
        relevant[torch.searchsorted(index, dim_zero_cat(self.owners)), column] = True
        found = {
            **_recalls("image_to_text", images, texts, relevant),
            **_recalls("text_to_image", texts, images, relevant.T),
        }
        return found | {"n_pictures": float(len(images)), "n_captions": float(len(ids))}


def _unique(ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The distinct ids, the first row of each, and each given id's place among them."""
    unique, number = ids.unique(return_inverse=True)
    rows = torch.arange(len(ids), device=ids.device)
    first = torch.full_like(unique, len(ids)).scatter_reduce(0, number, rows, "amin")
    return unique, first, number


def _recalls(
    name: str, queries: Tensor, candidates: Tensor, relevant: Tensor
) -> dict[str, Measurement]:
    """Share of the queries with a relevant candidate among their k most similar ones.

    Irrelevant candidates of equal similarity rank first: if there are k, scoring all alike gets 0.
    """
    before = []
    for own, fits in zip(queries.split(_CHUNK), relevant.split(_CHUNK), strict=True):
        similarity = own @ candidates.T  # (chunk, candidates)
        best = similarity.masked_fill(~fits, -torch.inf).amax(1, keepdim=True)
        before.append(((similarity >= best) & ~fits).sum(1))
    before = torch.cat(before)  # (n,)
    return {f"{name}_r{k}": share(before < k) for k in RANKS}


class NearMisses(torchmetrics.Metric):
    """Share of images whose own caption is more similar to them than a nearly right one."""

    full_state_update = False

    def __init__(self):
        super().__init__()
        self.add_state("right", [], dist_reduce_fx="cat")

    def update(self, images: Tensor, texts: Tensor, wrong: Tensor) -> None:
        """Add unit encodings (B, D) of images, their captions and the nearly right captions."""
        self.right.append((images * texts).sum(1) > (images * wrong).sum(1))

    def compute(self) -> dict[str, float]:
        """`accuracy`, a share in [0, 1]; chance is 0.5."""
        return {"accuracy": share(dim_zero_cat(self.right))}
