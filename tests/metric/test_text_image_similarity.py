"""Text-image similarity against numbers worked by hand; with CLIP it is in test_clip.py."""

import pytest
import torch
from torch import Tensor, nn

from textgan.errors import TooFewError
from textgan.metric.text_image_similarity import TextImageSimilarity
from textgan.types import Evaluation


class Angles(nn.Module):
    """Every caption points east; an image's first pixel is the cosine that it shall have."""

    def encode_images(self, images: Tensor) -> Tensor:
        cosine = images[:, 0, 0, 0]
        return 5 * torch.stack([cosine, (1 - cosine.square()).sqrt()], 1)

    def encode_texts(self, captions: list[str]) -> Tensor:
        return torch.tensor([[3.0, 0.0]]).repeat(len(captions), 1)

    def protocol(self) -> dict[str, str]:
        return {"judge": "angles"}


def pictures(*cosines: float) -> Tensor:
    return torch.tensor(cosines).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def measured(draws: Tensor, real: Tensor | None = None, **arguments) -> dict[str, float]:
    metric = TextImageSimilarity(Angles(), **arguments)
    metric.update(Evaluation(["x"] * len(draws), real, draws[:, None]))
    return metric.compute()


def test_it_is_the_mean_cosine_with_a_normal_interval():
    result = measured(pictures(1.0, 0.6, 0.2))
    value = result["text_image_similarity"]
    assert value == pytest.approx(0.6)
    # squared deviations 0.16, 0, 0.16: variance 0.32 / 2, standard error (0.16 / 3) ** 0.5 = 0.2309
    assert value.low == pytest.approx(0.6 - 1.96 * 0.230940, abs=1e-5)
    assert value.high == pytest.approx(0.6 + 1.96 * 0.230940, abs=1e-5)
    assert (value.n, result["n"]) == (3, 3.0)
    assert "real" not in result


def test_the_clamp_is_after_the_mean_and_of_the_interval_too():
    assert measured(pictures(0.8, -0.2))["text_image_similarity"] == pytest.approx(0.3)
    value = measured(pictures(-0.9, 0.1))["text_image_similarity"]
    assert (value, value.low) == (0, 0)
    # mean -0.4, standard error 0.5
    assert value.high == pytest.approx(-0.4 + 1.96 * 0.5, abs=1e-5)


def test_scale_multiplies_and_real_images_are_measured_beside():
    result = measured(pictures(0.2, 0.4), pictures(0.5, 0.9), name="clip_score", scale=100.0)
    assert result["clip_score"] == pytest.approx(30)
    assert result["real"] == pytest.approx(70)
    # standard errors 0.1 and 0.2
    assert result["clip_score"].high - result["clip_score"] == pytest.approx(19.6, abs=1e-3)
    assert result["real"].high - result["real"] == pytest.approx(39.2, abs=1e-3)


def test_a_single_caption_has_no_interval_and_none_is_too_few():
    value = measured(pictures(0.5))["text_image_similarity"]
    assert (value.low, value.high) == (None, None)
    with pytest.raises(TooFewError, match="needs at least 1 caption, got 0"):
        measured(pictures())


def test_only_the_first_sample_counts_and_reset_forgets():
    metric = TextImageSimilarity(Angles())
    metric.update(Evaluation(["x"], pictures(0.1), pictures(0.1)[:, None]))
    metric.compute()
    metric.reset()
    metric.update(Evaluation(["x"], None, torch.stack([pictures(0.5), pictures(0.9)], 1)))
    assert metric.compute() == pytest.approx({"text_image_similarity": 0.5, "n": 1.0})


def test_the_protocol_says_scale_and_what_the_judge_says_of_itself():
    protocol = TextImageSimilarity(Angles(), scale=100.0).protocol()["arguments"]
    assert (protocol["scale"], protocol["judge"]) == (100.0, {"judge": "angles"})


def test_a_scale_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="scale must be positive, got 0"):
        TextImageSimilarity(Angles(), scale=0)
