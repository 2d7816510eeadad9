"""Two discriminators: one of latents, one of the images that an autoencoder decodes from them."""

import torch
from torch import Tensor

from textgan.autoencoder.base import Autoencoder
from textgan.discriminator.base import Discriminator
from textgan.pretrained.frozen import Frozen, weights_hash
from textgan.types import DiscriminatorOutput, TextFeatures


class LatentAndImageDiscriminator(Discriminator):
    """Scores latents by a discriminator of latents, and by one of the images decoded from them.

    A small error of a latent may be a large one of the image, which the second discriminator sees.
    It compares decoded samples with decoded latents of real images, that is with reconstructions,
    because a generator of latents cannot do better. Decoding makes a step slower. The logits of
    both are concatenated: those that depend on the text first.

    Args:
        latent: scores latents.
        image: scores images of the autoencoder's size.
        autoencoder: decodes; it is frozen. It is not in the state dict, so `save_pretrained` does
            not write its weights.

    Raises:
        ValueError: only one of them reads the text, or one has another shape than what it sees.
    """

    def __init__(self, *, latent: Discriminator, image: Discriminator, autoencoder: Autoencoder):
        super().__init__()
        if latent.reads_text != image.reads_text:
            raise ValueError("latent and image must both read the text, or both not")
        side = autoencoder.image_size
        seen = {
            "latent": (latent, tuple(autoencoder.latent_shape)),
            "image": (image, (autoencoder.channels, side, side)),
        }
        for name, (part, shape) in seen.items():
            own = part.saved_arguments().get("sample_shape")
            if own is not None and tuple(own) != shape:
                raise ValueError(f"{name} must be built for the shape {shape}, got {tuple(own)}")
        self.reads_text = latent.reads_text
        self.latent, self.image, self.autoencoder = latent, image, Frozen(autoencoder.eval())
        self._decoder = weights_hash(autoencoder)
        with torch.no_grad():
            empty = torch.zeros(1, *autoencoder.latent_shape)
            maps = latent.eval().features(empty.to(next(latent.parameters())))
        self.latent_maps = len(maps)
        self.train()

    def get_extra_state(self) -> Tensor:
        """The hash of the autoencoder's weights, as bytes (N,) uint8."""
        return torch.tensor(list(self._decoder.encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Check that the loaded weights were trained with this autoencoder.

        Raises:
            ValueError: they were trained with another one.
        """
        trained_with = bytes(state.tolist()).decode()
        if trained_with != self._decoder:
            rule = "autoencoder must be the net that the discriminator was trained with"
            raise ValueError(f"{rule}, {trained_with:.12}, got {self._decoder:.12}")

    def features(self, images: Tensor) -> list[Tensor]:
        """Latents (B, c, h, w) -> the maps of the latents, and those of the decoded images."""
        decoded = self.autoencoder.net.decode(images).to(images.dtype)
        return [*self.latent.features(images), *self.image.features(decoded)]

    def score(self, features: list[Tensor], text: TextFeatures | None) -> DiscriminatorOutput:
        """The maps of both -> their logits (B, K), pooled and text (B, D) of both, concatenated."""
        count = self.latent_maps
        outputs = [
            self.latent.score(features[:count], text),
            self.image.score(features[count:], text),
        ]
        with_text = [out.matching() for out in outputs]
        without = [out.logits[:, out.text_logits :] for out in outputs]
        return DiscriminatorOutput(
            torch.cat([*with_text, *without], 1),
            torch.cat([out.pooled for out in outputs], 1),
            torch.cat([out.text for out in outputs], 1),
            features,
            text_logits=sum(out.text_logits for out in outputs),
        )
