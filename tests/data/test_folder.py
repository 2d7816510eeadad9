"""Random choices over a folder, their keys, negatives, and the real emoji."""

import os
import pickle
from itertools import islice
from pathlib import Path

import pytest
import torch
from PIL import Image

from textgan.data import Folder
from textgan.image import from_pil

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


def test_images_beyond_the_cache_are_decoded_when_shown(tmp_path, numbered, folder):
    data = folder(numbered(tmp_path, 5), cache_megabytes=0, val_share=0)
    data.dataset("train")
    assert not data.dataset("train").images.is_cached
    data = folder(tmp_path, val_share=0, image_size=512, cache_megabytes=1)
    with pytest.warns(UserWarning, match="5 images of train exceed cache_megabytes"):
        data.dataset("train")


def plain(caption: str) -> str:
    return " ".join(caption.lower().split())


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_every_split_comes_with_wrong_captions_if_asked(tmp_path, save, jsonl, folder, split):
    rows = []
    things = ["cat", "dog", "cow", "hen", "fox", "owl", "bee", "ape", "elk", "emu", "yak", "eel"]
    for place, thing in enumerate(things):
        for shade, colour in enumerate(("red", "blue", "green", "white")):
            name = f"{thing}{shade}.png"
            save(tmp_path / name, (20 * place, 50 * shade, 0))
            captions = [f"A {colour} {thing}", f"a  {thing}.", f"the {colour} {thing}"]
            part = ("train", "train", "val", "test")[shade]
            rows.append({"file": name, "captions": captions, "split": part})
    jsonl(tmp_path / "captions.jsonl", rows)
    dataset = folder(tmp_path, negatives=1).dataset(split)
    for position in range(0, 40, 4):
        keys = [(position + row, row) for row in range(len(dataset))]
        batch = dataset.__getitems__(keys)
        assert len(batch.negatives) == len(keys)
        for wrong, said, own in zip(
            batch.negatives, batch.captions, batch.all_captions, strict=True
        ):
            assert plain(wrong) not in map(plain, own)
            assert len(wrong.split()) == len(said.split())  # one word has given way
            assert sum(a != b for a, b in zip(wrong.split(), said.split(), strict=True)) == 1
        again = dataset.__getitems__([(p + 1000, row) for p, row in keys])
        assert (again.negatives == batch.negatives) == (split != "train")


def test_negatives_follow_from_seed_and_position_whatever_the_workers(tmp_path, folder, captioned):
    def wrong(batches: int = 6, **changes) -> list[str]:
        data = folder(tmp_path, val_share=0, negatives=1, **changes)
        stream = islice(data.train_dataloader(), batches)
        return [text for batch in stream for text in batch.negatives]

    captioned(tmp_path)
    expected = wrong()
    assert wrong(num_workers=2) == expected
    assert wrong(seed=1) != expected
    assert wrong(batches=3, batch_size=8) == expected
    still = [*folder(tmp_path, val_share=0, negatives=1).still_batches("train")]
    assert all(len(batch.negatives) == len(batch) for batch in still)


def test_class_folders_have_another_class_for_a_negative(tmp_path, save, folder):
    for name in ("cat/a.png", "dog/a.png"):
        save(tmp_path / name, (len(name), name.encode()[0], 0))
    data = folder(tmp_path, val_share=0, negatives=1)
    batch = data.dataset("train").__getitems__([(0, 0), (1, 1)])
    assert (batch.captions, batch.negatives) == (["cat", "dog"], ["dog", "cat"])


def test_words_of_negatives_are_learnt_once_and_pickled_with_the_data_set(
    tmp_path, folder, numbered
):
    numbered(tmp_path, 30)
    data = folder(tmp_path, val_share=0.3, negatives=1)
    train, val = data.dataset("train"), data.dataset("val")
    assert train.negatives is val.negatives is data.still("val").negatives
    copy = pickle.loads(pickle.dumps(train))
    assert copy.__getitems__([(5, 0)]).negatives == train.__getitems__([(5, 0)]).negatives
    assert folder(tmp_path).dataset("train").negatives is None


def test_where_all_captions_are_the_images_own_there_is_no_negative(tmp_path, save, jsonl, folder):
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", (0, 255, 0))
    rows = [{"file": f"{name}.png", "captions": ["A cat", "a  cat."]} for name in "ab"]
    jsonl(tmp_path / "captions.jsonl", rows)
    match = r"negatives must be made of training captions .*, and for .*a\.png there is none$"
    with pytest.raises(ValueError, match=match):
        folder(tmp_path, negatives=1, val_share=0).dataset("train")


def test_the_emoji_are_read_as_their_readme_says():
    root = os.environ.get("TEXTGAN_DATA")
    if not root:
        pytest.skip("TEXTGAN_DATA is unset")
    data = Folder(f"{root}/emoji-noto", batch_size=16, captions_file="captions.jsonl", cache=False)
    assert [len(data.split.train), len(data.split.val), len(data.split.test)] == [3296, 99, 0]
    assert data.summary() == (
        "None of 3,395 images was skipped. Not looked at: 3,395 that no captions file names."
    )
    batch = next(iter(data.train_dataloader()))
    assert batch.images.shape == (16, 3, 64, 64)
    for caption, captions in zip(batch.captions, batch.all_captions, strict=True):
        assert caption in captions
        assert len(captions) in (4, 5)
    row = data.split.val[0]
    with Image.open(f"{root}/emoji-noto/{row.file}") as file:
        expected = from_pil(file)
    assert torch.equal(data.dataset("val").__getitems__([(0, 0)]).images[0], expected)
    large = Folder(
        f"{root}/emoji-noto", batch_size=2, image_size=128, image_folder="images128", cache=False
    )
    assert large.split.train[0].file.startswith("images128/")
    assert next(iter(large.val_dataloader())).captions == [
        row.captions[0] for row in large.split.val[:2]
    ]
