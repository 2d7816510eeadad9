"""From an image file to pixels: modes, orientation, and the part that is shown."""

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.image import to_uint8


def test_exif_orientation_is_applied(tmp_path, only_image):
    image = Image.new("RGB", (16, 8), (255, 0, 0))
    image.paste((0, 0, 255), (8, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise to see it upright: red, which is left, comes on top
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    pixels = only_image(tmp_path, crop="squash").float()
    assert pixels[0, 1].min() - pixels[0, 6].max() > 200
    assert pixels[2, 6].min() - pixels[2, 1].max() > 200


def test_transparency_is_laid_on_the_background_or_kept(tmp_path, save, only_image):
    save(tmp_path / "a.png", (255, 0, 0, 0))
    assert only_image(tmp_path).unique().tolist() == [255]
    assert only_image(tmp_path, background="#102030")[:, 0, 0].tolist() == [16, 32, 48]
    assert only_image(tmp_path, channels=4)[3].unique().tolist() == [0]
    save(tmp_path / "a.png", (0, 0, 0, 51))
    assert only_image(tmp_path).unique().tolist() == [204]
    assert only_image(tmp_path, channels=1).unique().tolist() == [204]


@pytest.mark.parametrize("mode", ["P", "LA", "1", "L", "CMYK", "I;16", "RGB"])
def test_every_usual_mode_keeps_its_colour(tmp_path, mode, only_image):
    name = "a.jpg" if mode == "CMYK" else "a.png"
    if mode == "I;16":
        image = Image.fromarray(np.full((8, 8), 204 * 257, np.uint16))
    elif mode == "1":
        image = Image.new("1", (8, 8), 1)
    else:
        image = Image.new("RGB", (8, 8), (204, 204, 204)).convert(mode)
    image.save(tmp_path / name)
    expected = 255 if mode == "1" else 204
    for channels in (1, 3):
        pixels = only_image(tmp_path, channels=channels)
        assert pixels.shape == (channels, 8, 8)
        assert (pixels.int() - expected).abs().max() <= 2


def test_a_palette_with_a_transparent_colour_is_laid_on_the_background(tmp_path, only_image):
    image = Image.new("P", (8, 8), 0)
    image.putpalette([255, 0, 0] + [0] * 765)
    image.save(tmp_path / "a.png", transparency=0)
    assert only_image(tmp_path).unique().tolist() == [255]


def test_each_crop_shows_its_part(tmp_path, bars, only_image):
    bars(tmp_path / "a.png")
    center = only_image(tmp_path, crop="center")
    assert center[1].unique().tolist() == [255]
    assert center[0].unique().tolist() == [0]
    squashed = only_image(tmp_path, crop="squash").int()
    assert squashed[0, 4, 0] > 200
    assert squashed[2, 4, 7] > 200
    padded = only_image(tmp_path, crop="pad", background="black").int()
    assert padded[:, 0].max() == padded[:, 7].max() == 0
    assert padded[0, 4, 0] > 150
    assert only_image(tmp_path, crop="pad", channels=4)[3, 0].max() == 0


def test_a_random_crop_is_drawn_in_training_and_the_middle_otherwise(
    tmp_path, jsonl, folder, bars, only_image
):
    bars(tmp_path / "a.png")
    jsonl(tmp_path / "metadata.jsonl", [{"file_name": "a.png", "text": "it"}])
    for cache in (True, False):
        data = folder(tmp_path, crop="random", cache=cache)
        batch = data.dataset("train").__getitems__([(position, 0) for position in range(40)])
        means = batch.images.mean((2, 3))
        assert batch.images.shape == (40, 3, 8, 8)
        assert len(means.unique(dim=0)) > 8
        assert means[:, 0].max() == means[:, 2].max() == 1
    middle = only_image(tmp_path, crop="center")
    with pytest.warns(UserWarning, match="no val split"):
        val = data.dataset("val").__getitems__([(5, 0)]).images[0]
    assert torch.equal(to_uint8(val), middle)


def test_a_flip_mirrors_about_half_of_the_training_images(tmp_path, jsonl, folder, bars):
    bars(tmp_path / "a.png")
    jsonl(tmp_path / "metadata.jsonl", [{"file_name": "a.png", "text": "it"}])
    keys = [(position, 0) for position in range(60)]
    plain = folder(tmp_path, crop="squash").dataset("train").__getitems__(keys).images
    mixed = folder(tmp_path, crop="squash", flip=True).dataset("train").__getitems__(keys).images
    is_mirrored = (mixed != plain).any(-1).any(-1).any(-1)
    assert 15 < is_mirrored.sum() < 45
    assert torch.equal(mixed[is_mirrored].flip(-1), plain[is_mirrored])


def test_large_images_are_antialiased(tmp_path, only_image):
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "a.png")
    pixels = only_image(tmp_path).int()
    assert (pixels - 128).abs().max() < 8


def test_an_image_of_too_many_pixels_is_skipped_and_said(tmp_path, numbered, folder):
    numbered(tmp_path, 4)
    Image.new("RGB", (200, 100)).save(tmp_path / "001.png")
    data = folder(tmp_path, max_megapixels=0.0199, val_share=0.0)
    with pytest.warns(UserWarning, match=r"001.png is skipped: its 200 x 100 pixels are more"):
        data.setup("fit")
    assert [path for path, _ in data.skipped] == [str(tmp_path / "001.png")]
    assert folder(tmp_path, max_megapixels=0.02, val_share=0.0).skipped == []
