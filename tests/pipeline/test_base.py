"""The methods that every text-to-image pipeline has from its base."""

import pytest
import torch

from textgan.pipeline import Option


def test_a_pipeline_without_options_is_called(gray):
    pipeline = gray.Gray()
    images = pipeline(["a", "bb"], num_images_per_prompt=2, seed=1, output_type="pt").images
    assert images.shape == (4, 3, 8, 8)
    torch.testing.assert_close(images[::2, 0, 0, 0], torch.tensor([0.13, 0.14]))
    assert torch.equal(pipeline.sample(["a", "bb"], num_images_per_prompt=2, seed=1), images)
    assert not images.requires_grad
    with pytest.raises(TypeError, match="truncation"):
        pipeline("a", truncation=0.5)


def test_samples_of_a_data_set_are_read_as_they_stand(tiny_pipeline):
    pipeline = tiny_pipeline(["a red circle"])
    caption = "a (red:3) circle"
    plain = pipeline(caption, seed=2, weighted_words=False, output_type="pt").images
    assert torch.equal(pipeline.sample([caption], seed=2), plain)
    weighted = pipeline(caption, seed=2, output_type="pt").images
    keys = [(2, 0, 0)]
    assert torch.equal(pipeline.generate_prompts([caption], keys).detach(), weighted)
    assert not torch.equal(plain, weighted)


@pytest.mark.parametrize(
    ("bounds", "value", "rule"),
    [
        ({"minimum": 0, "maximum": 1}, 2.0, r"in \[0, 1\], got 2.0"),
        ({"minimum": 0, "maximum": 1}, float("nan"), r"in \[0, 1\], got nan"),
        ({"minimum": 1}, 0.5, "at least 1, got 0.5"),
        ({"maximum": 1}, 1.5, "at most 1, got 1.5"),
    ],
)
def test_an_option_out_of_its_bounds_is_a_sentence(bounds, value, rule):
    option = Option("strength", float, 1.0, "Of it.", **bounds)
    option.check(1.0)
    with pytest.raises(ValueError, match=f"strength must be {rule}"):
        option.check(value)
