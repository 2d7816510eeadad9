"""Training on what a frozen network computes of the images, once where that is possible."""

from collections.abc import Callable

import torch
from pytorch_lightning import LightningModule
from torch import Tensor

from textgan import __version__
from textgan.autoencoder.base import Autoencoder
from textgan.pretrained.frozen import weights_hash


class FrozenEncoding:
    """The latents or codes of training images by a frozen autoencoder.

    If the data set can keep features, all images are encoded before the training, and their
    encodings are kept on the disk. Otherwise each batch is encoded when it is used.

    Args:
        autoencoder: encodes the images; it is kept in evaluation mode.
        encode: images (B, C, H, W) in [-1, 1] -> their encodings.
        name: of these encodings, "latents" or "codes".
    """

    def __init__(self, autoencoder: Autoencoder, encode: Callable[[Tensor], Tensor], name: str):
        self._autoencoder, self._encode, self._name = autoencoder, encode, name
        self._is_kept = False

    def prepare(self, model: LightningModule) -> None:
        """Encode all training images, if the model's data can keep that."""
        network = f"{self._name} {weights_hash(self._autoencoder)} {__version__}"
        mode = self._autoencoder.training
        self._is_kept = keep_features(model, self._encoded, network)
        self._autoencoder.train(mode)  # Lightning warns of a part in evaluation mode

    def __call__(self, images: Tensor) -> Tensor:
        """`Batch.images` of a training batch -> the encodings of its images.

        Latents have the dtype of the images, which is that of the training.
        """
        if self._is_kept:
            return images
        found = self._encoded(images)
        return found.to(images.dtype) if found.is_floating_point() else found

    def _encoded(self, images: Tensor) -> Tensor:
        self._autoencoder.eval()  # Lightning sets all parts to training
        self._autoencoder.check_size(images)
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            return self._encode(images)


def keep_features(
    model: LightningModule, compute: Callable[[Tensor], Tensor], network: str
) -> bool:
    """Let the data of a model's trainer compute features once -> whether it keeps them.

    Call it in `on_fit_start`, because the first batch is loaded soon after.

    Args:
        model: it is moved to its device.
        compute: as in `CaptionedImages.keep_features`, on the model's device.
        network: as there.
    """
    data = model.trainer.datamodule
    if data is None:
        return False
    device = model.trainer.strategy.root_device
    model.to(device)
    converted = model.trainer.precision_plugin.convert_input  # as Lightning does with a batch
    return data.keep_features(lambda images: compute(converted(images.to(device))), network)
