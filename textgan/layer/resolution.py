"""The resolutions of a convolutional net: the sample's size, halved again and again."""

from collections.abc import Iterable, Sequence

_SIZES = range(8, 257, 8)
_POWERS_OF_TWO = {4, 8, 16, 32, 64, 128, 256}


def channels_and_size(sample_shape: Sequence[int]) -> tuple[int, int]:
    """The channels and the size of `sample_shape`, after a check.

    Raises:
        ValueError: it is not (channels, size, size), or `widths_by_resolution` refuses the size.
    """
    channels, size = [*sample_shape, 0, 0][:2]
    if tuple(sample_shape) != (channels, size, size) or channels < 1 or size not in _SIZES:
        raise ValueError(
            "sample_shape must be (channels, image_size, image_size) with an image_size that is a "
            f"multiple of 8 from 8 to 256, got {tuple(sample_shape)}"
        )
    return channels, size


def widths_by_resolution(image_size: int, *, width: int, max_width: int) -> dict[int, int]:
    """Channels at each resolution of a net, from the lowest up to `image_size`.

    The lowest resolution is the last one of at least 4 that halving reaches: 4 for a power of two,
    6 for 24, 48 and 96, 5 for 40. Channels are `width` at `image_size` and double downwards to
    `max_width`.

    Raises:
        ValueError: `image_size` is not a multiple of 8 from 8 to 256.
    """
    if image_size not in _SIZES:
        raise ValueError(f"image_size must be a multiple of 8 from 8 to 256, got {image_size}")
    resolutions = [image_size]
    while resolutions[0] % 2 == 0 and resolutions[0] >= 8:
        resolutions.insert(0, resolutions[0] // 2)
    return {r: min(width * image_size // r, max_width) for r in resolutions}


def nearest_resolutions(argument: str, given: Iterable[int], known: Iterable[int]) -> set[int]:
    """The resolutions of blocks that an argument names.

    A power of two stands for the nearest one: 8 for 6 in a net for 48 pixels. So one value fits
    nets for any size.

    Args:
        argument: its name, for the error message.
        given: what it was given.
        known: the resolutions of the blocks.

    Raises:
        ValueError: a value is neither the resolution of a block nor a power of two from 4 to 256.
    """
    known = sorted(known)
    if not {*given} <= {*known, *_POWERS_OF_TWO}:
        raise ValueError(
            f"{argument} must be among the resolutions of the blocks, {known}, or powers of two "
            f"from 4 to 256, got {list(given)}"
        )
    return {min(known, key=lambda own: abs(own - wanted)) for wanted in given}
