"""The captions and noise keys of a pipeline's call, in batches. Nothing here imports torch."""

from collections.abc import Sequence

from textgan.caption.text import check_caption

Key = tuple[int, ...]


def keyed(
    captions: str | Sequence[str],
    *,
    num_images_per_prompt: int,
    seed: int,
    indices: Sequence[int] | None,
    batch_size: int = 64,
) -> list[list[tuple[str, Key]]]:
    """Return batches of captions, each with the key of its noise: (seed, caption's index, sample).

    The samples of one caption follow one another.

    Args:
        captions: one, or at least one.
        num_images_per_prompt: samples of each caption.
        seed: the first number of every key.
        indices: the second number for each caption; None means its place in the list.
        batch_size: largest number of samples in a batch.

    Raises:
        TypeError: a caption is no string.
        ValueError: there is no caption, one has more than 10,000 characters, a number is below 1,
            or there are not as many indices as captions.
    """
    captions = [captions] if isinstance(captions, str) else list(captions)
    if not captions:
        raise ValueError("captions must hold at least one caption, got none")
    for caption in captions:
        if not isinstance(caption, str):
            raise TypeError(f"captions must be strings, got {type(caption).__name__}")
        check_caption(caption)
    indices = list(range(len(captions)) if indices is None else indices)
    if len(indices) != len(captions):
        rule = "indices must be one for each caption"
        raise ValueError(f"{rule}, got {len(indices)} for {len(captions)}")
    if num_images_per_prompt < 1 or batch_size < 1:
        rule = "num_images_per_prompt and batch_size must be at least 1"
        raise ValueError(f"{rule}, got {num_images_per_prompt} and {batch_size}")
    rows = [
        (caption, (seed, int(index), sample))
        for caption, index in zip(captions, indices, strict=True)
        for sample in range(num_images_per_prompt)
    ]
    return [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
