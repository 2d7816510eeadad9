"""Training on what a frozen network computes of the images, once where that is possible."""

from collections.abc import Callable, Sequence

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from textgan import __version__
from textgan.autoencoder.base import Autoencoder
from textgan.pretrained.frozen import weights_hash


class FrozenEncoding:
    """The latents, codes or embeddings of training images by frozen networks.

    If the data set can keep features, all images are encoded before the training, and their
    encodings are kept on the disk. Otherwise each batch is encoded when it is used.

    Args:
        networks: encode the images; they are kept in evaluation mode. An autoencoder among them
            checks the size of the images.
        encode: images (B, C, H, W) in [-1, 1] -> their encodings.
        name: of these encodings, such as "latents" or "codes".
    """

    def __init__(
        self, networks: Sequence[nn.Module], encode: Callable[[Tensor], Tensor], name: str
    ):
        self._networks, self._encode, self._name = list(networks), encode, name
        self._is_kept = False

    def prepare(self, model: LightningModule) -> None:
        """Encode all training images, if the model's data can keep that."""
        hashes = " ".join(weights_hash(network) for network in self._networks)
        modes = [network.training for network in self._networks]
        name = f"{self._name} {hashes} {__version__}"
        self._is_kept = keep_features(model, self._encoded, name)
        for network, mode in zip(self._networks, modes, strict=True):
            network.train(mode)  # Lightning warns of a part in evaluation mode

    def __call__(self, images: Tensor) -> Tensor:
        """`Batch.images` of a training batch -> the encodings of its images.

        Numbers that are no codes have the dtype of the images, which is that of the training.
        """
        if self._is_kept:
            return images
        found = self._encoded(images)
        return found.to(images.dtype) if found.is_floating_point() else found

    def _encoded(self, images: Tensor) -> Tensor:
        for network in self._networks:
            network.eval()  # Lightning sets all parts to training
            if isinstance(network, Autoencoder):
                network.check_size(images)
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
