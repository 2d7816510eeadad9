"""The length of a training."""

from dataclasses import dataclass

from textgan.schedule import check_shares


@dataclass(frozen=True)
class Budget:
    """Length, learning rates and averages of a training, counted in images over all processes.

    Args:
        total_images: images until the training ends; every schedule extends over them.
        warmup_images: length of the learning rates' linear rise.
        learning_rate_decay_start: share of the budget from which the learning rates fall, by half a
            cosine to 0 at its end; 1 keeps them constant.
        accumulate_batches: batches whose gradients are averaged before the optimizers step.
        gradient_clip_norm: greatest norm of each optimizer's gradient, or None.
        ema_half_life_images: half-life of the averaged weights, which are the ones that are
            evaluated, sampled from and saved.

    Raises:
        ValueError: a number is out of range.
    """

    total_images: int
    warmup_images: int = 0
    learning_rate_decay_start: float = 0.0
    accumulate_batches: int = 1
    gradient_clip_norm: float | None = None
    ema_half_life_images: float = 5_000

    def __post_init__(self):
        for name in ("total_images", "accumulate_batches"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        check_shares(learning_rate_decay_start=self.learning_rate_decay_start)
        if self.warmup_images < 0:
            raise ValueError(f"warmup_images must be at least 0, got {self.warmup_images}")
        for name in ("gradient_clip_norm", "ema_half_life_images"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
