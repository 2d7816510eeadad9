"""Images of a diffusion model that start from another image."""

from abc import abstractmethod
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from textgan.autoencoder.base import Autoencoder
from textgan.denoiser.base import Denoiser
from textgan.diffusion.base import Diffusion
from textgan.diffusion.sampling import inverted
from textgan.pipeline.base import OutputType, PipelineOutput, TextToImagePipeline, converted
from textgan.pipeline.given import given_image, given_mask
from textgan.pipeline.option import Option
from textgan.text_encoder.base import TextEncoder
from textgan.types import TextFeatures

_ALSO = frozenset({"image_to_image", "inpaint", "edit", "variations"})
STEPS = Option(
    "num_inference_steps",
    int,
    25,
    "More steps are slower and more exact.",
    minimum=1,
    maximum=100,
    also=_ALSO,
)
GUIDANCE = Option(
    "guidance_scale",
    float,
    3.0,
    "Values above 1 follow the caption more.",
    minimum=0,
    maximum=15,
    also=_ALSO,
)
RESCALE = Option(
    "guidance_rescale",
    float,
    0.0,
    "1 gives a strongly guided image the contrast of one without guidance.",
    minimum=0,
    maximum=1,
    also=_ALSO,
)


class RedrawingPipeline(TextToImagePipeline):
    """A pipeline with a denoiser, whose `generate` can start from a given image.

    Attributes:
        denoiser: predicts from noisy samples, time and text.
        text_encoder: encodes captions.
        diffusion: that the denoiser was trained with.
        autoencoder: of the denoiser's latents; None if it sees pixels.
        channels: of an image.
    """

    denoiser: Denoiser
    text_encoder: TextEncoder
    diffusion: Diffusion
    autoencoder: Autoencoder | None
    channels: int

    @torch.no_grad()
    def image_to_image(
        self,
        image: Image.Image | Tensor,
        caption: str,
        *,
        strength: float = 0.6,
        number: int = 1,
        seed: int = 0,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        **options: Any,
    ) -> PipelineOutput:
        """Draw an image anew for a caption, starting from its noisy version (SDEdit, Meng et al.).

        Args:
            image: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            caption: of the new image.
            strength: share of the steps that is done, in (0, 1]: 1 keeps next to nothing.
            number: of images.
            seed: of their noise.
            batch_size: images generated at a time.
            output_type: "pil", "pt" or "np".
            options: of the sampling, as in a call.

        Raises:
            TypeError: the image is neither a PIL image nor a tensor.
            ValueError: the image has another shape, or a number is out of range.
        """
        images = self._drawn(
            caption,
            (number, seed, batch_size),
            start=self._start(self._given(image)),
            strength=strength,
            **options,
        )
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
        batch_size: int = 64,
        output_type: OutputType = "pil",
        **options: Any,
    ) -> PipelineOutput:
        """Draw a part of an image anew; all other pixels stay as they are.

        The marked positions start from noise alone. Before each step, the others are replaced by
        those of the image with the noise of that step (RePaint, Lugmayr et al. 2022, without its
        repetitions).

        Args:
            image: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            mask: what is drawn anew: (H, W) bool, or a PIL image of the same size as `image` when
                both are upright, white where it is drawn.
            caption: of the whole new image.
            number: of images.
            seed: of their noise.
            batch_size: images generated at a time.
            output_type: "pil", "pt" or "np".
            options: of the sampling, as in a call.

        Raises:
            TypeError: image or mask are neither a PIL image nor a tensor.
            ValueError: image or mask have another shape, the mask marks nothing in the middle
                square, or a number is out of range.
        """
        square = self._given(image)
        mask = given_mask(mask, image, self.image_size).to(self.device)
        shape = self.denoiser.sample_shape[1:]
        redrawn = F.adaptive_max_pool2d(mask[None, None].float(), shape) > 0  # (1, 1, h, w)
        images = self._drawn(
            caption,
            (number, seed, batch_size),
            start=self._start(square),
            redrawn=redrawn,
            **options,
        )
        whole = torch.where(mask.to(images.device), images, square.to(images))
        return PipelineOutput(converted(whole, output_type))

    @torch.no_grad()
    def invert(
        self,
        image: Image.Image | Tensor,
        caption: str = "",
        *,
        num_inference_steps: int = 25,
        strength: float = 1.0,
        text: TextFeatures | None = None,
    ) -> Tensor:
        """The noise from which the image is drawn again -> (1, *sample_shape) float32.

        `generate(..., noisy=...)` with the same steps and strength and without guidance draws the
        image again (DDIM inversion, Song et al. 2021, with fixed-point iterations).

        Args:
            image: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            caption: of the image.
            num_inference_steps: steps of the sampler "euler", at least 2.
            strength: share of the steps that is inverted, in (0, 1].
            text: features of the caption, in the place of those of the text encoder.

        Raises:
            TypeError: the image is neither a PIL image nor a tensor.
            ValueError: the image has another shape, or a number is out of range.
        """
        STEPS.check(num_inference_steps)
        text = self.text_encoder([caption]) if text is None else text
        return inverted(
            self.diffusion,
            partial(self._predict, text=text, scale=1.0, rescale=0.0),
            self._start(self._given(image)),
            steps=num_inference_steps,
            strength=strength,
        )

    @torch.no_grad()
    def edit(
        self,
        image: Image.Image | Tensor,
        from_caption: str,
        to_caption: str,
        *,
        strength: float = 1.0,
        num_inference_steps: int = 25,
        guidance_scale: float = 3.0,
        guidance_rescale: float = 0.0,
        output_type: OutputType = "pil",
    ) -> PipelineOutput:
        """Change an image by the difference of two captions.

        The noise of the image is found with `from_caption`, and the image is drawn again from it,
        guided away from `from_caption` and towards `to_caption`. Equal captions give the image.

        Args:
            image: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            from_caption: of the image.
            to_caption: of the changed image.
            strength: share of the steps that is inverted and drawn again, in (0, 1]. Smaller values
                keep more of the layout.
            num_inference_steps: at least 2; otherwise as in a call, as are the following.
            guidance_scale: 1 draws the image of `to_caption`; greater values exaggerate the
                difference.
            guidance_rescale: takes back the contrast that guidance adds.
            output_type: "pil", "pt" or "np".

        Raises:
            TypeError: the image is neither a PIL image nor a tensor.
            ValueError: the image has another shape, or a number is out of range.
        """
        drawn = {"num_inference_steps": num_inference_steps, "strength": strength}
        square = self._given(image)
        before, after = self._pair(square, from_caption, to_caption)
        images = self.generate(
            [to_caption],
            [(0, 0, 0)],
            noisy=self.invert(square, text=before, **drawn),
            text=after,
            negative=before,
            guidance_scale=guidance_scale,
            guidance_rescale=guidance_rescale,
            **drawn,
        )
        return PipelineOutput(converted(images, output_type))

    @abstractmethod
    def _predict(
        self, seen: Tensor, times: Tensor, *, text: TextFeatures, scale: float, rescale: float
    ) -> Tensor:
        """The denoiser's prediction for noisy samples (B, C, H, W) -> the same shape, float32.

        Args:
            seen: the noisy samples, float32.
            times: (B,) in [0, 1].
            text: of B captions, and with guidance of B negative prompts after them.
            scale: of classifier-free guidance; 1 leaves it out.
            rescale: how much of the contrast that guidance adds is taken back, in [0, 1].
        """

    def _drawn(self, caption: str, numbers: tuple[int, int, int], **options: Any) -> Tensor:
        """Draw images of a caption -> (B, C, H, W) in [-1, 1].

        `numbers` are how many, the seed, and the batch size; `options` are those of `generate`.
        """
        number, seed, batch_size = numbers
        return self._run(
            [caption],
            partial(self.generate, **options),
            num_images_per_prompt=number,
            indices=None,
            seed=seed,
            batch_size=batch_size,
            output_type="pt",
        ).images

    def _pair(
        self, square: Tensor, from_caption: str, to_caption: str
    ) -> tuple[TextFeatures, TextFeatures]:
        """The features of the captions before and after an edit of an image (C, H, W)."""
        return self.text_encoder([from_caption]), self.text_encoder([to_caption])

    def _given(self, image: Image.Image | Tensor) -> Tensor:
        """An image as (C, H, W) in [-1, 1] of the model's size, on its device."""
        return given_image(image, self.image_size, self.channels).to(self.device)

    def _start(self, square: Tensor) -> Tensor:
        """An image (C, H, W) -> the sample (1, *sample_shape) that stands for it."""
        if self.autoencoder is None:
            return square[None]
        return self.autoencoder.encode(square[None].to(self.dtype)).values.float()
