"""Maximum mean discrepancy between samples and training images, each with its caption."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import track
from scipy.cluster.vq import kmeans2
from torch import Tensor

from textgan.image_encoder.base import ImageEncoder
from textgan.loss.base import Loss, at_least_float32
from textgan.pretrained.frozen import Frozen
from textgan.schedule import Schedule
from textgan.step import AdversarialStep
from textgan.text_encoder.base import TextEncoder
from textgan.types import Batch

_JITTER = 1e-6  # on the diagonal of the landmarks' kernel matrix


class JointMMD(Loss):
    """MMD^2 between pairs (sample, caption) of the batch and pairs of the whole training set.

    The maximum mean discrepancy (Gretton et al. 2012) as a loss of generators (Li et al. 2015),
    over pairs: the kernel is a kernel of images times a kernel of captions, so that the samples of
    a caption are compared with the images of similar captions. It needs neither a posterior nor a
    discriminator, and it is 0 only where the distributions are equal as far as the features tell.

    Of an image with several captions, one is taken. For each map of the image encoder, the features
    of a pair are the map, averaged to `grid` x `grid` positions, and the mean of the caption's word
    features at unit length; each is divided by its median distance between training images. With x,
    y two such pairs, k(x, y) is the mean of exp(-|x - y|^2 / (2 b^2)) over the `bandwidths` b. The
    loss of a map is

        (mean_{i != j} k(g_i, g_j) - 2 mean_i k(g_i, Z) a + m . a) / (m . a),  a = K_ZZ^-1 m,

    for samples g, landmarks Z (centres of k-means) and m, the mean of k(Z, r) over training pairs
    r: with all training pairs as landmarks, it is MMD^2 over its greatest value for samples that
    are far from all images. The loss is the mean over maps: several features, because samples that
    agree with the images in one feature may not look like them.

    Args:
        image_encoder: computes the maps; it is never trained.
        text_encoder: encodes the captions, independently of the generator's text encoder; fitted,
            and never trained.
        weight: schedule of its weight in the generator's loss.
        bandwidths: b, in units of the median distance.
        landmarks: greatest number of landmarks.
        references: greatest number of training images that m is computed from.
        grid: side of the averaged maps.

    Raises:
        ValueError: a number is out of range, or `text_encoder` is not fitted.
    """

    needs = ("text_encoder",)
    samples_per_caption = 1

    def __init__(
        self,
        *,
        image_encoder: ImageEncoder,
        text_encoder: TextEncoder,
        weight: Schedule = 1.0,
        bandwidths: tuple[float, ...] = (0.25, 0.5, 1.0),
        landmarks: int = 1_024,
        references: int = 20_000,
        grid: int = 2,
    ):
        super().__init__(generator_weight=weight)
        if not bandwidths or min(bandwidths) <= 0:
            raise ValueError(f"bandwidths must be positive numbers, got {list(bandwidths)}")
        for name, number in (("landmarks", landmarks), ("references", references)):
            if number < 2:
                raise ValueError(f"{name} must be at least 2, got {number}")
        if grid < 1:
            raise ValueError(f"grid must be at least 1, got {grid}")
        if not text_encoder.is_fitted:
            raise ValueError("text_encoder must be fitted already, got one without a vocabulary")
        self.image_encoder, self.text_encoder = Frozen(image_encoder), Frozen(text_encoder)
        self.bandwidths, self.grid = list(bandwidths), grid
        self.landmarks, self.references = landmarks, references
        self._maps: list[_Landmarks] = []

    def prepare(self, images: Callable[[int], Iterator[Batch]], *, shown: bool = True) -> None:
        maps: list[list[Tensor]] = []
        captions, every = list[str](), list[str]()
        batches = images(self.references)
        title = "features of training images for joint_mmd"
        with torch.no_grad():
            for batch in track(batches, title, transient=True, disable=not shown):
                maps.append([m.float().cpu() for m in self._seen(batch.images.to(self._device()))])
                captions += _chosen(batch)
                every += [c for own in batch.all_captions or [] for c in own] or batch.captions
            self.text_encoder.net.read_ahead(every, shown=shown)
            size = len(maps[0][0])
            parts = [captions[i : i + size] for i in range(0, len(captions), size)]
            texts = torch.cat([self._read(part).float().cpu() for part in parts])
        each_map = [torch.cat(parts) for parts in zip(*maps, strict=True)]
        self._maps = [
            _Landmarks(map_, texts, self.bandwidths, self.landmarks).to(self._device())
            for map_ in each_map
        ]

    def generator_loss(self, step: AdversarialStep) -> Tensor | None:
        if not self._maps:
            raise RuntimeError("joint_mmd must be prepared with training images before a step")
        kept = step.gather(
            torch.tensor([bool(caption) for caption in step.captions], device=step.fake.device)
        )
        if kept.sum() < 2:
            return None
        with torch.no_grad():
            texts = step.gather(self._read(step.captions))[kept]
        maps = [step.gather(map_)[kept] for map_ in self._seen(step.fake)]
        with torch.autocast(step.fake.device.type, enabled=False):
            values = [known(m, texts) for known, m in zip(self._maps, maps, strict=True)]
        return torch.stack(values).mean()

    def _seen(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, H, W) -> a feature (B, D_i) of each map."""
        maps = self.image_encoder(images).maps
        averaged = [F.adaptive_avg_pool2d(at_least_float32(m), self.grid) for m in maps]
        return [m.flatten(1) for m in averaged]

    def _read(self, captions: list[str]) -> Tensor:
        """B captions -> the mean of their words at unit length, (B, D)."""
        text = self.text_encoder(captions)
        mask = text.mask[..., None].to(text.words.dtype)
        return F.normalize(at_least_float32((text.words * mask).sum(1) / mask.sum(1)), dim=1)

    def _device(self) -> torch.device:
        return next(self.image_encoder.net.parameters()).device


def _chosen(batch: Batch) -> list[str]:
    """A caption of each image: of several, another one from image to image."""
    if batch.all_captions is None:
        return batch.captions
    pairs = zip(batch.index.tolist(), batch.all_captions, strict=True)
    return [own[index % len(own)] for index, own in pairs]


class _Landmarks:
    """The landmarks of one map's features, and their weights.

    Args:
        images, texts: features of the training pairs, (N, D) and (N, T).
        bandwidths: as in `JointMMD`.
        count: greatest number of landmarks.
    """

    def __init__(self, images: Tensor, texts: Tensor, bandwidths: list[float], count: int):
        self.bandwidths = bandwidths
        self.scales = [_median_distance(images), _median_distance(texts)]
        pairs = self._joined(images, texts)
        self.landmarks = pairs if len(pairs) <= count else _centres(pairs, count)
        means = torch.stack(
            [self._kernel(self.landmarks, part).double().sum(1) for part in pairs.split(1_000)]
        ).sum(0) / len(pairs)
        matrix = self._kernel(self.landmarks, self.landmarks).double()
        matrix.diagonal().add_(_JITTER)
        weights = torch.linalg.solve(matrix, means)
        self.weights, self.constant = weights.float(), float(means @ weights)

    def to(self, device: torch.device) -> "_Landmarks":
        self.landmarks, self.weights = self.landmarks.to(device), self.weights.to(device)
        return self

    def __call__(self, images: Tensor, texts: Tensor) -> Tensor:
        """Features of B samples and captions, (B, D) and (B, T) -> the loss of this map."""
        pairs = self._joined(images, texts)
        own, size = self._kernel(pairs, pairs), len(pairs)
        among = (own.sum() - own.diagonal().sum()) / (size * (size - 1))
        near = (self._kernel(pairs, self.landmarks) @ self.weights).mean()
        return (among - 2 * near + self.constant) / self.constant

    def _joined(self, images: Tensor, texts: Tensor) -> Tensor:
        return torch.cat([images / self.scales[0], texts / self.scales[1]], 1)

    def _kernel(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        lengths = ours.square().sum(1)[:, None] + theirs.square().sum(1)
        squares = (lengths - 2 * ours @ theirs.T).clamp(min=0)
        return torch.stack([(-squares / (2 * b**2)).exp() for b in self.bandwidths]).mean(0)


def _median_distance(features: Tensor) -> float:
    """The median distance between features (N, D), of at most 2,000 of them."""
    some = features[:: max(1, -(-len(features) // 2_000))]
    distances = torch.pdist(some)
    median = float(distances[distances > 0].median()) if (distances > 0).any() else 1.0
    return max(median, 1e-6)


def _centres(pairs: Tensor, count: int) -> Tensor:
    """Centres of k-means, (count, D)."""
    # Evenly spread points as the first centres need no random number.
    first = pairs[torch.arange(count) * len(pairs) // count]
    centres, _ = kmeans2(pairs.numpy(), first.numpy(), iter=10, minit="matrix")
    return torch.from_numpy(np.ascontiguousarray(centres, dtype=np.float32))
