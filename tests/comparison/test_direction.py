import pytest

from textgan.comparison.direction import direction


@pytest.mark.parametrize(
    ("number", "better"),
    [
        ("fid", "lower"),
        ("fid_768", "lower"),
        ("photos/fid", "lower"),
        ("fd_clip", "lower"),
        ("kd_clip", "lower"),
        ("val/fid_768", "lower"),
        ("val/shape_alignment/all", "higher"),
        ("kid_768", "lower"),
        ("speed/latency_ms", "neither"),
        ("inception_score", "higher"),
        ("manifold/precision", "higher"),
        ("manifold/recall", "higher"),
        ("manifold/density", "higher"),
        ("manifold/coverage", "higher"),
        ("r_precision", "higher"),
        ("text_image_similarity", "higher"),
        ("text_image_similarity/clip_score", "higher"),
        ("shape_alignment/all_one", "higher"),
        ("speed/images_per_second", "neither"),
        ("r_precision/real", "neither"),
        ("prompt_diversity/relative", "neither"),
        ("shape_diversity/diversity", "neither"),
        ("sharpness", "neither"),
        ("val/retrieval/image_to_text_r1", "higher"),
        ("near_misses/accuracy", "higher"),
        ("val/classification/accuracy", "higher"),
        ("memorisation/nearer", "neither"),
        ("speed/parameters", "neither"),
        ("speed/peak_memory_mib", "neither"),
        ("confidence", "neither"),
        ("fidelity", "neither"),
    ],
)
def test_the_better_way_is_known_by_the_name(number, better):
    assert direction(number) == better
