"""CLIP as a judge."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import torch
import transformers
from torch import Tensor
from torch.nn import functional as F

from textgan.errors import MissingWeightsError
from textgan.file.home import expanded
from textgan.file.limits import shown
from textgan.image import to_rgb_uint8
from textgan.judge.base import Judge
from textgan.pretrained.check import BROKEN_PRETRAINED
from textgan.pretrained.frozen import weights_hash
from textgan.pretrained.tokenizer_check import TokenizerErrors, read_tokenizer, try_captions

_MODES = {2: "bilinear", 3: "bicubic"}  # by PIL's numbers


class CLIP(Judge):
    """CLIP (Radford et al. 2021) in transformers' own class, in float32.

    Captions are tokenized by the model's own tokenizer. Captions that are too long for the model
    are cut and keep their end token. Images are quantised to 8 bits, gray channels repeated and
    transparent images laid on white, and then prepared as the model's preprocessor states
    (`_Preprocessing`).

    Args:
        pretrained: folder, or name on the Hugging Face Hub, of a CLIP with its tokenizer and its
            preprocessor_config.json. With None, `load` raises a `MissingWeightsError`.
    """

    def __init__(self, pretrained: str | None):
        super().__init__()
        self.pretrained = pretrained
        self.model: transformers.CLIPModel | None = None
        self._digests: dict[str, str] = {}

    def load(self) -> None:
        """Read model, tokenizer and preprocessor, unless they are read.

        Raises:
            MissingWeightsError: `pretrained` is None.
            ValueError: it is no complete CLIP.
        """
        if self.model is not None:
            return
        if self.pretrained is None:
            raise MissingWeightsError(
                "the argument pretrained must name CLIP's weights: a folder or hub name"
            )
        model, self.tokenizer, self.preprocessing = _read(self.pretrained)
        self.model = model.requires_grad_(False).eval()
        self._digests = {
            "weights": weights_hash(model),
            "tokenizer": hashlib.sha256(
                self.tokenizer.backend_tokenizer.to_str().encode()
            ).hexdigest(),
        }

    @torch.no_grad()
    def encode_images(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [-1, 1], C 1, 3 or 4 -> (B, projection_dim), of any length."""
        self.load()
        pixels = self.preprocessing(to_rgb_uint8(images).to(self.model.device))
        return _features(self.model.get_image_features(pixel_values=pixels))

    @torch.no_grad()
    def encode_texts(self, captions: list[str]) -> Tensor:
        """B captions -> (B, projection_dim), of any length."""
        self.load()
        with TokenizerErrors("CLIP's tokenizer", "fails at a caption"):
            tokens = self.tokenizer(
                captions,
                padding=True,
                truncation=True,
                max_length=self.model.config.text_config.max_position_embeddings,
                return_tensors="pt",
            ).to(self.model.device)  # (B, L)
        features = self.model.get_text_features(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        )
        return _features(features)

    def lineage(self) -> frozenset[str]:
        """The hash of its weights alone, since it was trained from scratch."""
        self.load()
        return frozenset({self._digests["weights"]})

    def protocol(self) -> dict[str, Any]:
        """Class, hashes of weights and tokenizer, and the preprocessing of images and captions."""
        self.load()
        return {
            "judge": f"{type(self).__module__}.{type(self).__qualname__}",
            **self._digests,
            "max_tokens": self.model.config.text_config.max_position_embeddings,
            **asdict(self.preprocessing),
        }


@dataclass(frozen=True)
class _Preprocessing:
    """Resizes images, crops them at the centre and normalises them.

    The resize follows PIL: `interpolate(antialias=True)`, which has PIL's kernels, from uint8 in
    float32, first along rows and then along columns, rounded to whole numbers in [0, 255] after
    each, halves up. Fewer than 2 in 100 values differ from PIL's, by one or two of 255.

    Attributes:
        shortest: length of the shorter side after the resize, which keeps the ratio.
        side: height and width of the crop, at most `shortest`.
        mode: "bicubic" or "bilinear".
        mean, std: statistics of the three channels in [0, 1].
    """

    shortest: int
    side: int
    mode: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 -> (B, 3, side, side) float32."""
        size = [int(self.shortest * n / min(images.shape[-2:])) for n in images.shape[-2:]]
        x = images.float()
        for shape in ((x.shape[-2], size[1]), size):
            x = F.interpolate(x, shape, mode=self.mode, antialias=True)
            x = (x + 0.5).floor().clamp(0, 255)  # bicubic overshoots
        top, left = ((n - self.side) // 2 for n in size)
        x = x[..., top : top + self.side, left : left + self.side]
        mean, std = (x.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (x / 255 - mean) / std


def image_processor_class() -> type:
    """CLIP's image processor that needs no torchvision, by the version of transformers.

    A function, since its import is slow.
    """
    return getattr(transformers, "CLIPImageProcessorPil", None) or transformers.CLIPImageProcessor


def _read(
    name: str,
) -> "tuple[transformers.CLIPModel, transformers.PreTrainedTokenizerBase, _Preprocessing]":
    name = expanded(name)
    try:
        processor = image_processor_class().from_pretrained(name)
        # By default, transformers asks the user whether to run the code in a folder.
        with TokenizerErrors(f"{name!r}", "has a tokenizer that cannot be read"):
            tokenizer = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        model, loading = transformers.CLIPModel.from_pretrained(
            name, dtype=torch.float32, attn_implementation="sdpa", output_loading_info=True
        )
    except BROKEN_PRETRAINED as error:
        rule = "pretrained must be a folder or hub name of a CLIP, its tokenizer and preprocessor"
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{rule}, got {name!r}: {shown(reason, 300)}") from error
    missing = sorted(loading["missing_keys"])
    # Without its files, transformers 5 makes a tokenizer with an empty vocabulary.
    is_empty = len(tokenizer) <= len(set(tokenizer.all_special_tokens))
    if missing or is_empty or not tokenizer.is_fast:
        lack = f"lacks {missing[:3]}" if missing else "has no tokenizer.json"
        raise ValueError(f"pretrained must be a complete CLIP, but {name!r} {lack}")
    length = model.config.text_config.max_position_embeddings
    with TokenizerErrors(f"pretrained {name!r}", "has a tokenizer that cannot be used"):
        backend = read_tokenizer(tokenizer.backend_tokenizer.to_str())
        backend.enable_truncation(length)
        backend.no_padding()
        size = model.config.text_config.vocab_size
        try_captions(backend, max_length=length, vocab_size=size)
    side = model.config.vision_config.image_size
    return model, tokenizer, _preprocessing(name, processor.to_dict(), side)


def _preprocessing(name: str, config: dict[str, Any], side: int) -> _Preprocessing:
    """The preprocessing that a config states; a ValueError unless it is of CLIP's kind."""
    size, crop = config["size"], config["crop_size"]
    rules = {
        f"resize by the shortest edge, to at least {side} pixels": config["do_resize"]
        and (size.get("shortest_edge") or 0) >= side,
        f"crop to {side} x {side} pixels": config["do_center_crop"]
        and {crop.get("height"), crop.get("width")} == {side},
        "resample bicubically (3) or bilinearly (2)": config["resample"] in _MODES,
        "rescale by 1 / 255": config["do_rescale"]
        and abs(config["rescale_factor"] * 255 - 1) < 1e-6,
        "normalise": config["do_normalize"],
    }
    for rule, holds in rules.items():
        if not holds:
            raise ValueError(f"the preprocessor of pretrained {name!r} must {rule}, got {config}")
    mode, mean, std = _MODES[config["resample"]], config["image_mean"], config["image_std"]
    return _Preprocessing(size["shortest_edge"], side, mode, tuple(mean), tuple(std))


def _features(output: Any) -> Tensor:
    """The projected features, which transformers 5 returns inside an output."""
    return output if isinstance(output, Tensor) else output.pooler_output
