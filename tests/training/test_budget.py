import pytest

from textgan.training.budget import Budget


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"total_images": 0}, "total_images must be at least 1, got 0"),
        ({"accumulate_batches": 0}, "accumulate_batches must be at least 1, got 0"),
        ({"learning_rate_decay_start": 2.0}, r"must be within \[0, 1\], got 2.0"),
        ({"warmup_images": -5}, "warmup_images must be at least 0, got -5"),
        ({"gradient_clip_norm": 0.0}, "gradient_clip_norm must be positive, got 0.0"),
        ({"ema_half_life_images": 0}, "ema_half_life_images must be positive, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        Budget(**{"total_images": 8, **changes})
