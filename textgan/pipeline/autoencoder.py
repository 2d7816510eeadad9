"""Images as latents or codes, and back."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from textgan.autoencoder.base import Autoencoder
from textgan.file.home import expanded
from textgan.image import save_png, to_pil
from textgan.image.file import MAX_MEGAPIXELS
from textgan.image.folder import find_images
from textgan.pipeline.base import Pipeline, tracked
from textgan.pipeline.encoded import EncodedImages
from textgan.pipeline.squares import report_left_out, squares_of
from textgan.pretrained.frozen import weights_hash

_MANY = 500  # images; a bar is shown for more


class AutoencoderPipeline(Pipeline):
    """An autoencoder for inference.

    Args:
        autoencoder: encodes and decodes images.
        trained_against: as in `Pipeline`.
    """

    abilities = frozenset({"encode"})

    def __init__(self, autoencoder: Autoencoder, *, trained_against: Sequence[str] = ()):
        super().__init__()
        self.autoencoder, self.trained_against = autoencoder, list(trained_against)

    @property
    def image_size(self) -> int:
        """Side of the images that it was trained on; other sizes are encoded too."""
        return self.autoencoder.image_size

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.autoencoder.channels

    @property
    def bits(self) -> float | None:
        """Bits of the codes of an image of `image_size`; None for a continuous autoencoder."""
        _, height, width = self.autoencoder.latent_shape
        quantizer = self.autoencoder.quantizer
        return None if quantizer is None else quantizer.bits * height * width

    @torch.no_grad()
    def encode(self, images: Tensor, batch_size: int = 64) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] -> standardised latents (B, c, h, w) float32.

        Raises:
            ValueError: the images do not fit the autoencoder.
        """
        batches = images.split(batch_size)
        return torch.cat([self.autoencoder.encode(self._own(b)).values.float() for b in batches])

    @torch.no_grad()
    def decode(self, latents: Tensor, batch_size: int = 64) -> Tensor:
        """Standardised latents (B, c, h, w) -> images (B, C, H, W) float32 in [-1, 1]."""
        batches = latents.split(batch_size)
        return torch.cat([self.autoencoder.decode(b.to(self.device)).float() for b in batches])

    @torch.no_grad()
    def encode_to_codes(self, images: Tensor, batch_size: int = 64) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] -> codes (B, groups, h, w) int64.

        Raises:
            TypeError: the autoencoder is continuous.
            ValueError: the images do not fit the autoencoder.
        """
        batches = images.split(batch_size)
        return torch.cat([self.autoencoder.encode_to_codes(self._own(b)) for b in batches])

    @torch.no_grad()
    def decode_codes(self, codes: Tensor, batch_size: int = 64) -> Tensor:
        """Codes (B, groups, h, w) int64 -> images (B, C, H, W) float32 in [-1, 1].

        Raises:
            TypeError: the autoencoder is continuous.
            ValueError: they are no codes of its quantizer.
        """
        batches = codes.to(self.device).split(batch_size)
        return torch.cat([self.autoencoder.decode_codes(b).float() for b in batches])

    def reconstruct(self, images: Tensor, batch_size: int = 64) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] -> their reconstructions, decoded from their codes.

        A continuous autoencoder decodes the mean of the posterior.
        """
        if self.autoencoder.quantizer is not None:
            return self.decode_codes(self.encode_to_codes(images, batch_size), batch_size)
        return self.decode(self.encode(images, batch_size), batch_size)

    def encode_folder(
        self,
        folder: str | Path,
        *,
        batch_size: int = 64,
        max_megapixels: float = MAX_MEGAPIXELS,
        follow_links: bool = False,
    ) -> EncodedImages:
        """Encode the middle squares of the images below a folder, in the autoencoder's size.

        One warning counts the files that were skipped.

        Args:
            folder: searched with all its sub-folders.
            batch_size: images read and encoded at a time.
            max_megapixels: an image of more million pixels is skipped before it is decoded.
            follow_links: whether links below the folder are followed; otherwise they are skipped.

        Raises:
            FileNotFoundError: the folder does not exist.
            ValueError: the folder has no image that can be read.
        """
        found = find_images(folder, follow_links=follow_links)
        left_out, names, values = {**found.left_out}, list[str](), list[Tensor]()
        encode = self.encode if self.bits is None else self.encode_to_codes
        for files, pixels in squares_of(
            found.files,
            self.image_size,
            self.channels,
            batch_size=batch_size,
            max_megapixels=max_megapixels,
            left_out=left_out,
        ):
            names += [file.relative_to(expanded(folder)).as_posix() for file in files]
            values.append(encode(pixels).cpu())
        report_left_out(left_out, len(found.files) + len(found.left_out), folder)
        return EncodedImages(torch.cat(values), names, weights_hash(self.autoencoder))

    def decode_folder(
        self, encoded: EncodedImages, folder: str | Path, *, batch_size: int = 64
    ) -> list[Path]:
        """Write a PNG for each encoded image -> their paths.

        Two images whose names differ in the suffix only keep it, as in a.jpg.png.

        Raises:
            ValueError: they were encoded by another autoencoder.
        """
        own = weights_hash(self.autoencoder)
        if encoded.model != own:
            rule = "the images must have been encoded by this autoencoder"
            raise ValueError(f"{rule}, {own:.12}, got {encoded.model:.12}")
        decode = self.decode_codes if encoded.is_discrete else self.decode
        paths = [Path(folder) / name for name in _png_names(encoded.names)]
        starts = range(0, len(paths), batch_size)
        for start in tracked(starts, len(paths), shown=len(paths) > _MANY, verb="decoding"):
            rows = slice(start, start + batch_size)
            images = decode(encoded.values[rows])
            for path, image in zip(paths[rows], images, strict=True):
                path.parent.mkdir(parents=True, exist_ok=True)
                save_png(to_pil(image), path)
        return paths

    def _own(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, self.dtype)


def _png_names(names: list[str]) -> list[str]:
    """The names with the suffix .png, and with their own suffix where two would be equal."""
    plain = [str(PurePosixPath(name).with_suffix(".png")) for name in names]
    count, found = Counter(plain), dict[str, None]()
    for name, short in zip(names, plain, strict=True):
        new = short if count[short] == 1 else f"{name}.png"
        while new in found:
            new = f"{new.removesuffix('.png')}_.png"
        found[new] = None
    return list(found)
