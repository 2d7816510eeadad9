"""The U-Net of the library diffusers as a denoiser."""

from math import gcd

from torch import Tensor

from textgan.denoiser.base import Denoiser
from textgan.errors import ConfigError
from textgan.layer import channels_and_size
from textgan.types import TextFeatures

_TIMES = 1_000  # the U-Net embeds times from 0 to 1,000


class UNetDenoiser(Denoiser):
    """A convolutional U-Net with attention to the words (`UNet2DConditionModel` of diffusers).

    The pooled text is added to the embedding of the time. At all resolutions but the first, the
    positions attend to each other and to the words.

    Args:
        sample_shape: (channels, size, size) of a sample. The size is a multiple of 8 from 8 to 256.
        text_width: width of the text features.
        widths: channels at each resolution, from the full one on; each is half of the one before.
        layers_per_block: residual blocks at each resolution.
        num_heads: heads of every attention; it divides the widths.
        extra_channels: further channels that it sees, such as those of a smaller image.

    Raises:
        ConfigError: diffusers is not installed.
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        *,
        sample_shape: tuple[int, int, int],
        text_width: int,
        widths: tuple[int, ...] = (64, 128, 192),
        layers_per_block: int = 1,
        num_heads: int = 4,
        extra_channels: int = 0,
    ):
        super().__init__()
        channels, size = channels_and_size(sample_shape)
        halvings = 2 ** (len(widths) - 1)
        if len(widths) < 2 or size % halvings:
            rule = "widths must be at least two, and halve the size each but the first"
            raise ValueError(f"{rule}, got {list(widths)} for a size of {size}")
        if num_heads < 1:
            raise ValueError(f"num_heads must be at least 1, got {num_heads}")
        if any(width < 1 or width % num_heads for width in widths):
            raise ValueError(
                f"num_heads must divide all widths, got {num_heads} and {list(widths)}"
            )
        if layers_per_block < 1:
            raise ValueError(f"layers_per_block must be at least 1, got {layers_per_block}")
        if extra_channels < 0:
            raise ValueError(f"extra_channels must be at least 0, got {extra_channels}")
        try:
            from diffusers import UNet2DConditionModel
        except ImportError as error:
            raise ConfigError(
                "denoiser=unet needs the package diffusers: pip install 'textgan[diffusion]'"
            ) from error
        self.sample_shape, self.text_width = (channels, size, size), text_width
        self.extra_channels = extra_channels
        deeper = len(widths) - 1
        self.net = UNet2DConditionModel(
            sample_size=size,
            in_channels=channels + extra_channels,
            out_channels=channels,
            block_out_channels=tuple(widths),
            down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * deeper),
            up_block_types=(*["CrossAttnUpBlock2D"] * deeper, "UpBlock2D"),
            layers_per_block=layers_per_block,
            attention_head_dim=num_heads,  # diffusers takes it as their number here
            cross_attention_dim=text_width,
            norm_num_groups=gcd(32, *widths),
            class_embed_type="projection",
            projection_class_embeddings_input_dim=text_width,
        )

    def forward(self, noisy: Tensor, time: Tensor, text: TextFeatures) -> Tensor:
        return self.net(
            noisy,
            time * _TIMES,
            encoder_hidden_states=text.words,
            encoder_attention_mask=text.mask,
            class_labels=text.pooled,
            return_dict=False,
        )[0]
