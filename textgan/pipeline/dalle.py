"""Images from captions by way of codes, as DALL-E 1."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from textgan.autoencoder.base import Autoencoder
from textgan.caption.request import Key
from textgan.pipeline.base import OutputType, PipelineOutput, converted
from textgan.pipeline.describing import DescribingPipeline
from textgan.pipeline.given import given_image, given_mask
from textgan.pipeline.option import Option
from textgan.pipeline.unfinished import Unfinished
from textgan.pretrained.part import class_of
from textgan.prior.base import Sampling, TokenPrior
from textgan.seed import keyed_randn
from textgan.text_encoder.base import TextEncoder

_ALSO = frozenset({"inpaint"})
_TEMPERATURE = Option(
    "temperature",
    float,
    1.0,
    "0 takes the likeliest codes, 1 the full variety.",
    minimum=0,
    maximum=2,
    also=_ALSO,
)
_TOP_K = Option(
    "top_k",
    int,
    0,
    "Only so many of the likeliest codes can be drawn; 0 means all.",
    minimum=0,
    also=_ALSO,
)
_TOP_P = Option(
    "top_p",
    float,
    1.0,
    "Only the likeliest codes that have this share together can be drawn.",
    minimum=0.01,
    maximum=1,
    also=_ALSO,
)
_GUIDANCE = Option(
    "guidance_scale",
    float,
    1.0,
    "Values above 1 follow the caption more.",
    minimum=0,
    maximum=10,
    also=_ALSO,
)
_STEPS = Option(
    "num_inference_steps",
    int,
    8,
    "The number of steps in which all codes are drawn.",
    minimum=1,
    maximum=64,
    also=_ALSO,
)


class DallePipeline(DescribingPipeline):
    """Captions -> text encoder -> prior -> codes -> autoencoder -> images (Ramesh et al. 2021).

    Args:
        prior: draws codes for the features of a caption.
        text_encoder: encodes the captions.
        autoencoder: decodes the codes; it has a quantizer.
        trained_against: as in the base.

    Raises:
        ValueError: the prior's codes are not those of the autoencoder.
    """

    abilities = frozenset({"sample", "unfinished_images", "inpaint", "describe", "rank"})
    options = (_TEMPERATURE, _TOP_K, _TOP_P, _GUIDANCE)

    def __init__(
        self,
        prior: TokenPrior,
        text_encoder: TextEncoder,
        autoencoder: Autoencoder,
        *,
        trained_against: Sequence[str] = (),
    ):
        super().__init__()
        check_codes(prior, autoencoder)
        self.prior, self.text_encoder, self.autoencoder = prior, text_encoder, autoencoder
        self.trained_against = list(trained_against)
        if getattr(prior, "text_vocabulary", None) is None:
            self.abilities = self.abilities - {"describe"}
        if prior.is_parallel:
            self.abilities = self.abilities - {"rank"}
            self.options = (*self.options, _STEPS)

    @classmethod
    def abilities_of(cls, config: dict[str, Any], trust: Sequence[str] = ()) -> frozenset[str]:
        prior, lacks = config.get("prior") or {}, set[str]()
        if prior.get("text_vocabulary") is None:
            lacks.add("describe")
        if class_of(prior, trust).is_parallel:
            lacks.add("rank")
        return cls.abilities - lacks

    @property
    def is_fitted(self) -> bool:
        return self.text_encoder.is_fitted

    @property
    def image_size(self) -> int:
        return self.autoencoder.image_size

    @property
    def channels(self) -> int:
        """1 (gray), 3 (RGB) or 4 (RGBA)."""
        return self.autoencoder.channels

    def generate(
        self,
        captions: list[str],
        keys: list[Key],
        *,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        guidance_scale: float = 1.0,
        num_inference_steps: int | None = None,
        known: Tensor | None = None,
        kept: Tensor | None = None,
        callback: Callable[[Tensor], None] | None = None,
        callback_seconds: float = 0.0,
    ) -> Tensor:
        """As in the base.

        Args:
            captions: B captions.
            keys: of the random numbers of each.
            temperature: see `Sampling`, as the next three.
            top_k: the number of codes that can be drawn.
            top_p: the share of the codes that can be drawn.
            guidance_scale: of classifier-free guidance.
            num_inference_steps: of a prior that draws many codes at once, 8 by default.
            known: (B, groups, h, w) codes to keep where `kept` (h, w) is True.
            kept: which positions are kept.
            callback: called with the images of the codes so far, (B, C, H, W), after each row, or
                after each step of a prior that draws many codes at once.
            callback_seconds: the least time between two calls of `callback`.

        Raises:
            ValueError: a number is out of range, or the prior has no steps.
        """
        if num_inference_steps is not None and not self.prior.is_parallel:
            raise ValueError(
                "num_inference_steps must be left out, because the prior draws one code after the "
                "other"
            )
        steps = _STEPS.default if num_inference_steps is None else num_inference_steps
        values = {
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "guidance_scale": guidance_scale,
            "num_inference_steps": steps,
        }
        for option in self.options:
            option.check(values[option.name])
        sampling = Sampling(**values)
        text = self.text_encoder(captions)
        empty = self.text_encoder([""] * len(captions)) if sampling.is_guided else None
        uniform = torch.special.ndtr(keyed_randn(keys, self.prior.numbers_shape(sampling)))
        uniform = uniform.to(self.device)
        on_step = self._each_row(Unfinished(callback, callback_seconds))
        codes = self.prior.sample(
            text, uniform, sampling, empty=empty, known=known, kept=kept, on_step=on_step
        )
        return self.autoencoder.decode_codes(codes).float()

    def __call__(
        self,
        captions: str | Sequence[str],
        *,
        num_images_per_prompt: int = 1,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        indices: Sequence[int] | None = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        guidance_scale: float = 1.0,
        num_inference_steps: int | None = None,
        callback: Callable[[Tensor], None] | None = None,
        callback_seconds: float = 0.0,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        progress: bool = False,
    ) -> PipelineOutput:
        """Sample images of captions, as `TextToImagePipeline` does, with the options of `Sampling`.

        `num_inference_steps` is for a prior that draws many codes at once. `callback` is called
        with the unfinished images (B, C, H, W) of a batch after each row of codes, or after each
        of these steps, at most once in `callback_seconds`.
        """
        return self._run(
            captions,
            partial(
                self.generate,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                guidance_scale=guidance_scale,
                num_inference_steps=num_inference_steps,
                callback=callback,
                callback_seconds=callback_seconds,
            ),
            num_images_per_prompt=num_images_per_prompt,
            seed=seed,
            generator=generator,
            indices=indices,
            batch_size=batch_size,
            output_type=output_type,
            progress=progress,
        )

    @torch.no_grad()
    def complete(
        self,
        image: Image.Image | Tensor,
        caption: str,
        *,
        keep: float | Tensor = 0.5,
        number: int = 1,
        seed: int = 0,
        output_type: OutputType = "pil",
        **options: float,
    ) -> PipelineOutput:
        """Complete an image, of which a part is kept (as in DALL-E 1).

        The codes of the kept part are those of the image. A prior that draws one code after the
        other sees, at each position, the kept ones above it and to its left, but none below. One
        that draws many at once sees all kept ones.

        Args:
            image: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            caption: of the whole image.
            keep: the share of rows that is kept, from the top, in [0, 1]; or a mask (h, w) bool
                over the positions of the codes, or over the pixels, where a position is kept if all
                of its pixels are.
            number: of completions.
            seed: of their random numbers.
            output_type: "pil", "pt" or "np".
            options: of the sampling, as in a call.

        Raises:
            TypeError: the image is neither a PIL image nor a tensor.
            ValueError: image or mask have another shape, or a number is out of range.
        """
        image = given_image(image, self.image_size, self.channels)
        if number < 1:
            raise ValueError(f"number must be at least 1, got {number}")
        kept = self._kept(keep)
        codes = self._codes(image[None])
        keys = [(seed, 0, sample) for sample in range(number)]
        known = codes.expand(number, *codes.shape[1:])
        images = self.generate([caption] * number, keys, known=known, kept=kept, **options)
        return PipelineOutput(converted(images, output_type))

    @torch.no_grad()
    def inpaint(
        self,
        image: Image.Image | Tensor,
        mask: Image.Image | Tensor,
        caption: str,
        *,
        number: int = 1,
        seed: int = 0,
        output_type: OutputType = "pil",
        **options: float,
    ) -> PipelineOutput:
        """Draw a part of an image anew; all other pixels stay as they are.

        The codes of the positions that the mask touches are drawn, and the others are kept, as in
        `complete`. The pixels outside of the mask are then replaced by those of the image.

        Args:
            image: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            mask: what is drawn anew: (H, W) bool, or a PIL image of the same size as `image` when
                both are upright, white where it is drawn.
            caption: of the whole new image.
            number: of images.
            seed: of their random numbers.
            output_type: "pil", "pt" or "np".
            options: of the sampling, as in a call.

        Raises:
            TypeError: image or mask are neither a PIL image nor a tensor.
            ValueError: image or mask have another shape, the mask marks nothing in the middle
                square, or a number is out of range.
        """
        square = given_image(image, self.image_size, self.channels).to(self.device)
        mask = given_mask(mask, image, self.image_size).to(self.device)
        images = self.complete(
            square, caption, keep=~mask, number=number, seed=seed, output_type="pt", **options
        ).images
        return PipelineOutput(converted(torch.where(mask, images, square), output_type))

    @torch.no_grad()
    def log_likelihood(
        self, images: Tensor, captions: Sequence[str], batch_size: int = 64
    ) -> Tensor:
        """Log p(codes of the image | caption) in nats -> (B,) float32.

        Args:
            images: (B, C, H, W) in [-1, 1].
            captions: B captions.
            batch_size: images at a time.

        Raises:
            TypeError: the prior cannot tell, because it draws many codes at once.
            ValueError: there are not as many captions as images.
        """
        captions = list(captions)
        if len(captions) != len(images):
            rule = "captions must be one for each image"
            raise ValueError(f"{rule}, got {len(captions)} for {len(images)}")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        found = []
        for start in range(0, len(captions), batch_size):
            rows = slice(start, start + batch_size)
            codes = self._codes(images[rows])
            found.append(self.prior.log_likelihood(codes, self.text_encoder(captions[rows])))
        return torch.cat(found)

    def score(self, images: Tensor, caption: str) -> Tensor:
        """Log p(codes of the image | caption) for each of B images (B, C, H, W) -> (B,).

        Raises:
            TypeError: the prior cannot tell, because it draws many codes at once.
            ValueError: the images have another shape than those of the model.
        """
        return self.log_likelihood(images, [caption] * len(images))

    def _kept(self, keep: float | Tensor) -> Tensor:
        """The positions (h, w) that are kept."""
        height, width = self.prior.codes_shape[1:]
        if isinstance(keep, int | float):
            if not 0 <= keep <= 1:
                raise ValueError(f"keep must be within [0, 1], got {keep}")
            kept = torch.zeros(height, width, dtype=torch.bool)
            kept[: round(keep * height)] = True
            return kept.to(self.device)
        size = self.image_size
        if tuple(keep.shape) == (size, size) and (size, size) != (height, width):
            blocks = keep.bool().unflatten(1, (width, -1)).unflatten(0, (height, -1))
            keep = blocks.all(3).all(1)
        if tuple(keep.shape) != (height, width):
            rule = f"keep must be a number or a mask of {height} x {width} or {size} x {size}"
            raise ValueError(f"{rule}, got {tuple(keep.shape)}")
        return keep.bool().to(self.device)

    def _each_row(self, unfinished: Unfinished) -> Callable[[Tensor], None]:
        width = 1 if self.prior.is_parallel else self.prior.codes_shape[2]
        seen = [0]

        def on_step(codes: Tensor) -> None:
            seen[0] += 1
            if seen[0] % width == 0:
                unfinished(lambda: self.autoencoder.decode_codes(codes).float())

        return on_step


def check_codes(prior: TokenPrior, autoencoder: Autoencoder) -> None:
    """Raise a ValueError unless the prior's codes are those of the autoencoder."""
    quantizer = autoencoder.quantizer
    if quantizer is None:
        raise ValueError("autoencoder must be discrete, got one without a quantizer")
    own = ((quantizer.groups, *autoencoder.latent_shape[1:]), quantizer.codebook_size)
    if (tuple(prior.codes_shape), prior.codebook_size) != own:
        raise ValueError(
            f"prior must be built for the codes of the autoencoder, {own[0]} of {own[1]}, got "
            f"{tuple(prior.codes_shape)} of {prior.codebook_size}"
        )
