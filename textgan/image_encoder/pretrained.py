"""Any pretrained vision transformer of transformers, and a projection on top."""

import json
from collections.abc import Sequence
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from textgan.file.home import expanded
from textgan.file.limits import shown
from textgan.image_encoder.tower import TowerImageEncoder
from textgan.pretrained.check import BROKEN_PRETRAINED, VISION_ARCHITECTURES
from textgan.pretrained.package import is_in_package, path_in_package

# The image half of models that hold a text encoder too.
_HALVES = {"clip": "CLIPVisionModel", "siglip": "SiglipVisionModel"}
_WITHOUT_CLASS_TOKEN = ("siglip_vision_model",)
_TRACES = ("transformers_version", "_name_or_path", "architectures", "dtype", "auto_map")


class PretrainedImageEncoder(TowerImageEncoder):
    """A vision transformer of transformers: CLIP's or SigLIP's image half, DINOv2 or ViT.

    The pooled feature is the model's own, and the class token in a ViT. Regions are patches, and
    the maps are the patches after each layer. Exactly one of `pretrained` and `architecture` is
    given.

    Args:
        image_size: side of the input, a multiple of the model's patch size.
        width: width of the output features.
        channels: 1, 3 or 4; gray images are repeated as colours, transparent ones laid on white.
        pretrained: folder, name on the Hugging Face Hub, or `package:NAME/FOLDER`.
        frozen: whether only the projection is trained.
        region_resolution: height and width of the regions, to which the patches are averaged.
        projection_width: width of the hidden layer on the pooled feature; None has no such layer.
        dropout: probability, on the pooled feature and on the hidden layer.
        architecture: configuration of transformers. `save_pretrained` writes it instead of
            `pretrained`, so that the saved folder needs no other.
        image_mean: of each colour, in [0, 1], which is subtracted; None takes the model's own.
        image_std: of each colour, by which the difference is divided; None takes the model's own.

    Raises:
        ValueError: the model is missing, incomplete or of another kind, or an argument does not fit
            it.
    """

    def __init__(
        self,
        *,
        image_size: int,
        width: int,
        channels: int = 3,
        pretrained: str | None = None,
        frozen: bool = True,
        region_resolution: int = 2,
        projection_width: int | None = 512,
        dropout: float = 0.3,
        architecture: dict[str, Any] | None = None,
        image_mean: Sequence[float] | None = None,
        image_std: Sequence[float] | None = None,
    ):
        if (pretrained is None) == (architecture is None):
            got = "neither" if pretrained is None else "both"
            raise ValueError(f"one of pretrained and architecture must be given, got {got}")
        if pretrained is not None:
            net, mean, std = _load(pretrained)
        else:
            net, mean, std = _untrained(architecture), None, None
        colours = _colours(image_mean or mean), _colours(image_std or std)
        patch = net.config.patch_size
        if image_size < patch or image_size % patch:
            rule = f"image_size must be a multiple of the patch size, {patch}"
            raise ValueError(f"{rule}, got {image_size}")
        side, hidden = image_size // patch, net.config.hidden_size
        super().__init__(
            _VisionTower(net, *colours, image_size=image_size),
            hidden_width=hidden,
            map_shapes=[(hidden, side, side)] * net.config.num_hidden_layers,
            image_size=image_size,
            channels=channels,
            width=width,
            region_resolution=region_resolution,
            projection_width=projection_width,
            dropout=dropout,
            frozen=frozen,
        )
        self._pretrained, self._colours = pretrained, colours

    def is_pretrained(self) -> bool:
        return self._pretrained is not None

    def saved_arguments(self) -> dict[str, Any]:
        """The arguments, with architecture and colours in the place of `pretrained`."""
        described = json.loads(self.tower.net.config.to_json_string(use_diff=True))
        mean, std = self._colours
        return super().saved_arguments() | {
            "pretrained": None,
            "architecture": {k: v for k, v in described.items() if k not in _TRACES},
            "image_mean": mean,
            "image_std": std,
        }

    def referring_config(self) -> dict[str, Any]:
        if self._pretrained is None:
            return self.config()
        return self.config() | {"pretrained": self._pretrained, "architecture": None}


class _VisionTower(nn.Module):
    """Images in [-1, 1] -> pooled feature, last map, and the map after each layer."""

    def __init__(self, net: nn.Module, mean: list[float], std: list[float], *, image_size: int):
        super().__init__()
        self.net, self.mean, self.std = net, mean, std
        kind = net.config.model_type
        self.first_patch = 0 if kind in _WITHOUT_CLASS_TOKEN else 1
        self.side = image_size // net.config.patch_size
        is_other_size = image_size != net.config.image_size
        # DINOv2 does so by itself.
        self.options = {"interpolate_pos_encoding": True} if is_other_size else {}
        if kind == "dinov2":
            self.options = {}

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        mean, std = (images.new_tensor(x)[:, None, None] for x in (self.mean, self.std))
        pixels = ((images + 1) / 2 - mean) / std
        found = self.net(pixel_values=pixels, output_hidden_states=True, **self.options)
        last, pooled = found.last_hidden_state, found.pooler_output
        pooled = last[:, 0] if pooled is None else pooled
        return pooled, self._map(last), [self._map(states) for states in found.hidden_states[1:]]

    def _map(self, states: Tensor) -> Tensor:
        """(B, tokens, hidden) -> the patches (B, hidden, side, side)."""
        return states[:, self.first_patch :].mT.unflatten(-1, (self.side, self.side))


def _load(name: str) -> tuple[nn.Module, list[float] | None, list[float] | None]:
    """The vision model of a folder, hub name or package; mean and deviation of each colour."""
    from transformers.image_processing_base import ImageProcessingMixin  # takes a second

    rule = "pretrained must be a folder or hub name with a vision transformer"
    folder = str(path_in_package(name)) if is_in_package(name) else expanded(name)
    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
        half = _HALVES.get(config.model_type)
        loader = getattr(transformers, half) if half else transformers.AutoModel
        if half is None:
            _check_kind(config.model_type)
        net, loading = loader.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation="sdpa",
            output_loading_info=True,
            trust_remote_code=False,
        )
        processor, _ = ImageProcessingMixin.get_image_processor_dict(folder)
    except BROKEN_PRETRAINED as error:
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{rule}, got {name!r}: {shown(said, 300)}") from error
    missing = [key for key in loading["missing_keys"] if not key.startswith("pooler.")]
    if missing:
        raise ValueError(f"{rule}, but {name!r} lacks {sorted(missing)[:3]}")
    return _without_vit_pooler(net), processor.get("image_mean"), processor.get("image_std")


def _untrained(architecture: dict[str, Any]) -> nn.Module:
    """Build a vision model with random weights from a saved configuration."""
    _check_kind(str(architecture.get("model_type")))
    config = transformers.AutoConfig.for_model(**architecture)
    net = transformers.AutoModel.from_config(config, attn_implementation="sdpa")
    return _without_vit_pooler(net)


def _without_vit_pooler(net: nn.Module) -> nn.Module:
    """Remove the layer of a ViT that its pretraining may have left random."""
    if net.config.model_type == "vit":
        net.pooler = None
    return net


def _check_kind(kind: str) -> None:
    if kind not in VISION_ARCHITECTURES:
        known = ", ".join((*_HALVES, *VISION_ARCHITECTURES))
        raise ValueError(f"pretrained must be of the kinds {known}; got {kind!r}")


def _colours(values: Sequence[float] | None) -> list[float]:
    """Three numbers; without any, 0.5, which leaves images in [-1, 1]."""
    found = [0.5] * 3 if values is None else [float(value) for value in values]
    if len(found) != 3:
        raise ValueError(f"image_mean and image_std must have three numbers, got {found}")
    return found
