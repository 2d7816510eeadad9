"""What is drawn of a folder, from which key, and the configurations over it."""

import inspect
import os
import pickle
from itertools import islice
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from textgan import image
from textgan.data import Folder

CONF = Path(__file__).parents[2] / "conf" / "data"


def test_one_of_the_captions_is_drawn_in_training_and_the_first_is_taken_in_val(
    tmp_path, save, jsonl, folder
):
    for name in ("train", "val"):
        save(tmp_path / f"{name}.png", tuple(name[:3].encode()))
    rows = [{"file": f"{s}.png", "captions": ["a", "b", "c"], "split": s} for s in ("train", "val")]
    jsonl(tmp_path / "captions.jsonl", rows)
    data = folder(tmp_path)
    train = data.dataset("train").__getitems__([(position, 0) for position in range(90)])
    assert {caption: train.captions.count(caption) > 15 for caption in "abc"} == dict.fromkeys(
        "abc", True
    )
    assert train.all_captions == [["a", "b", "c"]] * 90
    val = data.dataset("val").__getitems__([(position, 0) for position in range(9)])
    assert val.captions == ["a"] * 9


def stream(data: Folder, batches: int = 6) -> list[tuple]:
    loader = islice(data.train_dataloader(), batches)
    return [
        (batch.captions, batch.index.tolist(), batch.images.sum((1, 2, 3)).tolist())
        for batch in loader
    ]


def test_the_stream_follows_from_the_seed_whatever_the_workers_and_the_cache(
    tmp_path, folder, captioned
):
    captioned(tmp_path)
    drawn = {"crop": "random", "flip": True, "val_share": 0}
    expected = stream(folder(tmp_path, seed=7, **drawn))
    assert stream(folder(tmp_path, seed=7, **drawn)) == expected
    assert stream(folder(tmp_path, seed=7, num_workers=2, **drawn)) == expected
    assert stream(folder(tmp_path, seed=7, cache=False, **drawn)) == expected
    assert stream(folder(tmp_path, seed=8, **drawn)) != expected


def test_a_resumed_stream_goes_on_where_it_stopped(tmp_path, folder, captioned):
    captioned(tmp_path)
    drawn = {"crop": "random", "flip": True, "val_share": 0}
    resumed = folder(tmp_path, **drawn)
    resumed.load_state_dict({"images_seen": 8})
    assert stream(resumed, 4) == stream(folder(tmp_path, **drawn), 6)[2:]


def test_still_batches_draw_nothing_at_random(tmp_path, folder, captioned):
    drawn = {"crop": "random", "flip": True, "val_share": 0}
    data = folder(captioned(tmp_path), **drawn)
    batches = [*data.still_batches("train")]
    assert [caption for batch in batches for caption in batch.captions] == [
        f"{place} a" for place in range(12)
    ]
    images = torch.cat([batch.images for batch in batches])
    assert (images == images[0]).all()  # all the middle square, which is green
    assert (images[:, 1] > 0.9).all()


def test_the_data_set_survives_pickling(tmp_path, folder, captioned):
    data = folder(captioned(tmp_path), val_share=0)
    dataset = data.dataset("train")
    keys = [(3, 1), (4, 2)]
    copy = pickle.loads(pickle.dumps(dataset)).__getitems__(keys)
    assert copy.captions == dataset.__getitems__(keys).captions
    assert torch.equal(copy.images, dataset.__getitems__(keys).images)
    assert pickle.loads(pickle.dumps(data)).split == data.split


def test_captions_are_spread_over_the_train_split(tmp_path, folder, captioned):
    data = folder(captioned(tmp_path), val_share=0)
    assert len(data.captions(1000)) == 36
    assert data.captions(3) == ["0 a", "4 a", "8 a"]
    assert data.captions(0) == []


def test_a_batch_is_what_the_protocol_says(tmp_path, numbered, folder):
    batch = next(iter(folder(numbered(tmp_path, 30), channels=1).train_dataloader()))
    assert batch.images.shape == (4, 1, 8, 8)
    assert batch.images.dtype == torch.float32
    assert batch.images.is_contiguous()
    assert -1 <= batch.images.min() <= batch.images.max() <= 1
    assert batch.index.dtype == torch.int64
    assert batch.negatives is None


def test_pictures_beyond_the_cache_are_decoded_when_shown(tmp_path, numbered, folder):
    data = folder(numbered(tmp_path, 5), cache_megabytes=0, val_share=0)
    data.dataset("train")
    assert not data.dataset("train").pictures.is_cached
    data = folder(tmp_path, val_share=0, image_size=512, cache_megabytes=1)
    with pytest.warns(UserWarning, match="5 pictures of train exceed cache_megabytes"):
        data.dataset("train")


@pytest.mark.parametrize("name", ["folder", "emoji", "flickr8k"])
def test_a_configuration_sets_every_argument(name, load_choice):
    config = OmegaConf.to_container(load_choice(CONF / f"{name}.yaml"), resolve=False)
    assert config.pop("_target_") == "textgan.data.folder.Folder"
    parameters = inspect.signature(Folder).parameters
    assert set(config) == set(parameters)
    own = {"root", "image_size", "channels", "captions_file", "batch_size", "seed"}
    assert {key: value for key, value in config.items() if key not in own} == {
        key: parameter.default for key, parameter in parameters.items() if key not in own
    }


def test_the_emoji_are_read_as_their_readme_says():
    root = os.environ.get("TEXTGAN_DATA")
    if not root:
        pytest.skip("TEXTGAN_DATA is unset")
    data = Folder(f"{root}/emoji-noto", batch_size=16, captions_file="captions.jsonl", cache=False)
    assert [len(data.split.train), len(data.split.val), len(data.split.test)] == [3296, 99, 0]
    assert data.summary() == "None of 3,395 pictures was skipped."
    batch = next(iter(data.train_dataloader()))
    assert batch.images.shape == (16, 3, 64, 64)
    for caption, captions in zip(batch.captions, batch.all_captions, strict=True):
        assert caption in captions
        assert len(captions) in (4, 5)
    row = data.split.val[0]
    with Image.open(f"{root}/emoji-noto/{row.file}") as file:
        expected = image.from_pil(file)
    assert torch.equal(data.dataset("val").__getitems__([(0, 0)]).images[0], expected)
    large = Folder(
        f"{root}/emoji-noto", batch_size=2, image_size=128, image_folder="images128", cache=False
    )
    assert large.split.train[0].file.startswith("images128/")
    assert next(iter(large.val_dataloader())).captions == [
        row.captions[0] for row in large.split.val[:2]
    ]
