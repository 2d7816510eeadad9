"""Features, computed once for all metrics that use the same images and the same network."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from textgan import __version__
from textgan.extractor.base import FeatureExtractor
from textgan.file.feature_cache import FeatureCache
from textgan.image import to_rgb_uint8
from textgan.metric.base import Metric
from textgan.metric.feature import checked, full_precision
from textgan.types import Evaluation


@dataclass
class _Network:
    """The outputs of one network that all metrics together need."""

    deepest: FeatureExtractor
    taps: set[str] = field(default_factory=set)
    draws: int = 1


class FeatureBank:
    """Collects the outputs that metrics need, so that one pass over the images is enough for all.

    Args:
        metrics: prepared metrics.
        cache: where features of real images are kept; None keeps none.
    """

    def __init__(self, metrics: Iterable[Metric], cache: FeatureCache | None = None):
        self.cache = cache
        self.networks: dict[str, _Network] = {}
        for metric in metrics:
            for extractor in metric.extractors():
                if not isinstance(extractor, FeatureExtractor):
                    continue
                network = self.networks.setdefault(extractor.network(), _Network(extractor))
                network.taps.add(extractor.tap)
                network.draws = max(network.draws, metric.draws_per_caption)
                if extractor.depth > network.deepest.depth:
                    network.deepest = extractor

    def of(self, evaluation: Evaluation) -> Callable[[nn.Module, str], Tensor | None]:
        """`Evaluation.bank` of a batch: (extractor, kind) -> features (B, k, D).

        A module that is no `FeatureExtractor` has no name, so that its features cannot be shared:
        None.
        """
        known: dict[tuple[str, str], dict[str, Tensor]] = {}

        def features(extractor: nn.Module, kind: str) -> Tensor | None:
            if not isinstance(extractor, FeatureExtractor):
                return None
            name = extractor.network()
            if (name, kind) not in known:
                images = getattr(evaluation, kind)
                images = images[:, : self.networks[name].draws] if kind == "draws" else images
                known[name, kind] = self._outputs(name, images, is_kept=kind == "real")
                if kind != "draws":
                    known[name, kind] = {t: f[:, None] for t, f in known[name, kind].items()}
            return known[name, kind][extractor.tap]

        return features

    @torch.no_grad()
    def _outputs(self, name: str, images: Tensor, *, is_kept: bool) -> dict[str, Tensor]:
        """Images (B, C, H, W) or (B, k, C, H, W) -> tap -> (B, D) or (B, k, D)."""
        network = self.networks[name]
        batch = images.shape[:-3]
        pixels = to_rgb_uint8(images.flatten(0, len(batch) - 1))  # (N, 3, H, W)
        cache = self.cache if is_kept else None
        key = _key(network.deepest) if cache else ""
        found = {tap: cache and cache.get(key, tap, pixels) for tap in network.taps}
        if any(features is None for features in found.values()):
            with full_precision(images.device):
                found = network.deepest.outputs(pixels, sorted(network.taps))
            for tap, features in found.items():
                if cache is not None:
                    cache.put(key, tap, pixels, features)
        return {
            tap: checked(features).to(images.device).unflatten(0, batch)
            for tap, features in found.items()
        }


def _key(extractor: FeatureExtractor) -> str:
    """Everything that decides its features except the output: weights, resize and so on."""
    protocol = {key: value for key, value in extractor.protocol().items() if key != "feature"}
    return json.dumps({**protocol, "version": __version__}, sort_keys=True)
