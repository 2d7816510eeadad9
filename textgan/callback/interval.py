"""Intervals of callbacks, counted in images."""


class ImageInterval:
    """Detects that `images_seen` has crossed a multiple of `every_images`.

    It has no state that a checkpoint would need.

    Args:
        every_images: length of the interval, over all processes; 0 means never.
    """

    def __init__(self, every_images: int):
        if every_images < 0:
            raise ValueError(f"every_images must be at least 0, got {every_images}")
        self.every_images, self._before = every_images, 0

    def start(self, images_seen: int) -> None:
        """Begin to count from 0, or from the images seen of a resumed run."""
        self._before = images_seen

    def crossed(self, images_seen: int) -> bool:
        """Return whether a multiple lies in (images_seen at the last call, images_seen]."""
        before, self._before = self._before, images_seen
        every = self.every_images
        return every > 0 and images_seen // every > before // every
