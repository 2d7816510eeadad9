"""Captions of images, by a prior over codes that was also trained in the other order."""

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from textgan.autoencoder.base import Autoencoder
from textgan.file.home import expanded
from textgan.image.file import MAX_MEGAPIXELS
from textgan.image.folder import find_images, middle_square
from textgan.pipeline.base import TextToImagePipeline
from textgan.pipeline.squares import report_left_out, squares_of
from textgan.prior.base import Sampling, TokenPrior
from textgan.seed import keyed_randn
from textgan.text_encoder.base import TextEncoder


class DescribingPipeline(TextToImagePipeline):
    """A pipeline with codes whose prior may also make captions of images.

    Attributes:
        prior: draws codes, or tokens of captions.
        text_encoder: has the tokenizer.
        autoencoder: encodes images as codes.
        channels: of an image.
    """

    prior: TokenPrior
    text_encoder: TextEncoder
    autoencoder: Autoencoder
    channels: int

    @torch.no_grad()
    def describe(
        self,
        images: Tensor | Sequence[Image.Image],
        *,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        indices: Sequence[int] | None = None,
        batch_size: int = 64,
    ) -> list[str]:
        """Make a caption of each image.

        Args:
            images: (B, C, H, W) in [-1, 1], or B PIL images, whose middle squares are taken.
            temperature: 0 takes the likeliest token each time.
            top_k: see `Sampling`, as is `top_p`.
            top_p: the share of the tokens that can be drawn.
            seed: of the random numbers.
            indices: with the seed, the key of each image's random numbers; by default its place.
            batch_size: images at a time.

        Raises:
            TypeError: the model was not trained to make captions.
            ValueError: the images do not fit the model, or a number is out of range.
        """
        if not isinstance(images, Tensor):
            squares = [middle_square(image, self.image_size, self.channels) for image in images]
            images = torch.stack(squares)
        if getattr(self.prior, "text_vocabulary", None) is None:
            raise TypeError(
                "the model must be trained with model.describe_weight above 0 to make captions"
            )
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        indices = range(len(images)) if indices is None else indices
        sampling, tokenizer = Sampling(temperature, top_k, top_p), self.text_encoder.tokenizer
        begin, end = tokenizer([""])[0][0, [0, -1]].tolist()
        found = []
        for start in range(0, len(images), batch_size):
            rows = images[start : start + batch_size]
            keys = [(seed, int(index), 0) for index in indices[start : start + batch_size]]
            numbers = torch.special.ndtr(keyed_randn(keys, (self.prior.max_text_length,)))
            tokens = self.prior.describe(
                self._codes(rows),
                numbers.to(self.device),
                sampling,
                begin=begin,
                end=end,
            )
            found += [text.strip() for text in tokenizer.decode(tokens)]
        return found

    def describe_folder(
        self,
        folder: str | Path,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        batch_size: int = 64,
        max_megapixels: float = MAX_MEGAPIXELS,
        follow_links: bool = False,
    ) -> dict[str, str]:
        """Make captions of the images below a folder -> path from the folder -> caption.

        One warning counts the files that were skipped.

        Args:
            folder: searched with all its sub-folders.
            temperature: as in `describe`.
            seed: as in `describe`.
            batch_size: images read at a time.
            max_megapixels: an image of more million pixels is skipped before it is decoded.
            follow_links: whether links below the folder are followed; otherwise they are skipped.

        Raises:
            FileNotFoundError: the folder does not exist.
            TypeError: the model was not trained to make captions.
            ValueError: the folder has no image that can be read.
        """
        found = find_images(folder, follow_links=follow_links)
        left_out, captions = {**found.left_out}, dict[str, str]()
        place = {file: n for n, file in enumerate(found.files)}
        for files, pixels in squares_of(
            found.files,
            self.image_size,
            self.channels,
            batch_size=batch_size,
            max_megapixels=max_megapixels,
            left_out=left_out,
        ):
            names = [file.relative_to(expanded(folder)).as_posix() for file in files]
            own = [place[file] for file in files]
            made = self.describe(pixels, temperature=temperature, seed=seed, indices=own)
            captions.update(zip(names, made, strict=True))
        report_left_out(left_out, len(found.files) + len(found.left_out), folder)
        return captions

    def _codes(self, images: Tensor) -> Tensor:
        """The codes of images (B, C, H, W), which must have the model's size."""
        shape = (self.channels, self.image_size, self.image_size)
        if tuple(images.shape[1:]) != shape:
            raise ValueError(f"images must have the shape {shape}, got {tuple(images.shape[1:])}")
        return self.autoencoder.encode_to_codes(images.to(self.device, self.dtype))
