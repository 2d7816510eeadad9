"""Broken images are named, skipped and replaced; the others may be cached."""

import warnings
from itertools import islice

import pytest
import torch


def test_broken_and_missing_images_are_named_once_and_skipped(tmp_path, folder, broken_folder):
    data = folder(broken_folder(tmp_path), val_share=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data.setup("fit")
    named = [str(warning.message) for warning in caught if "is skipped" in str(warning.message)]
    assert len(named) == 2
    assert f"{tmp_path / '003.png'} is skipped: " in named[0]
    assert "truncated" in named[0]
    assert named[1].endswith("004.png is skipped: it is not an image that Pillow can read")
    skipped = dict(data.skipped)
    assert set(skipped) == {str(tmp_path / f"{name}.png") for name in ("003", "004", "010")}
    assert skipped[str(tmp_path / "010.png")] == "No such file or directory"
    assert data.summary().startswith(f"3 of 20 images were skipped: {tmp_path / '010.png'} (No ")


@pytest.mark.filterwarnings("ignore:.*is skipped", "ignore:.*no val split")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_image_found_late_is_replaced_as_one_found_at_the_start(
    tmp_path, workers, folder, broken_folder
):
    broken_folder(tmp_path)
    early = folder(tmp_path, val_share=0)
    late = folder(tmp_path, val_share=0, cache=False, num_workers=workers)
    for a, b in zip(islice(early.train_dataloader(), 10), late.train_dataloader(), strict=False):
        assert a.captions == b.captions
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.index, b.index)
        assert not {"image 3", "image 4", "image 10"} & set(a.captions)
    assert sorted(late.skipped) == sorted(early.skipped)


def test_no_more_than_twenty_broken_images_are_warned_of(tmp_path, numbered, folder):
    numbered(tmp_path, 40)
    for place in range(30):
        (tmp_path / f"{place:03}.png").write_text(f"broken {place}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = folder(tmp_path, val_share=0)
        data.dataset("train")
    assert sum("is skipped" in str(warning.message) for warning in caught) == 20
    assert "30 of 40 images were skipped" in data.summary()
    assert data.summary().endswith("; and 27 more.")


def test_without_trouble_the_summary_says_so(tmp_path, numbered, folder):
    data = folder(numbered(tmp_path, 5))
    assert data.summary() == "None of 5 images was skipped."


@pytest.mark.filterwarnings("ignore:.*is skipped")
@pytest.mark.parametrize("cache", [True, False])
def test_when_all_images_are_broken_it_says_so(tmp_path, cache, numbered, folder):
    numbered(tmp_path, 3)
    for place in range(3):
        (tmp_path / f"{place:03}.png").write_text(f"broken {place}")
    data = folder(tmp_path, cache=cache)
    match = "none of the 3 images can be used: .*000.png: it is not an image"
    with pytest.raises(ValueError, match=match):
        data.dataset("train").__getitems__([(0, 0)])
