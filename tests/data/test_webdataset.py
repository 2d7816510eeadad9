"""Tar files: samples, captions, splits, hostile members, and each image once per pass."""

import inspect
import io
import sys
import tarfile
from collections import Counter
from types import SimpleNamespace

import pytest

from textgan.composition.setting import kind_of
from textgan.data import WebDataset
from textgan.errors import ConfigError

pytest.importorskip("webdataset", reason="needs textgan[webdataset]")


def module(urls, **arguments) -> WebDataset:
    options = {"batch_size": 4, "image_size": 8, "val_share": 0.0, **arguments}
    return WebDataset(urls, **options)


def first(data: WebDataset, batches: int, *, rank: int = 0, processes: int = 1) -> list:
    data.trainer = SimpleNamespace(global_rank=rank, world_size=processes)
    return [batch for batch, _ in zip(data.train_dataloader(), range(batches), strict=False)]


def captions(data: WebDataset, split: str = "train") -> list[str]:
    whole = data.dataset(split)
    return [text for row in range(len(whole)) for text in whole.read(row).captions]


def test_two_processes_of_two_workers_show_every_image_once_an_epoch(tmp_path, shards):
    root = shards(tmp_path, 5, 9, 8, 10, 8, 3, 13, 8)  # 64 in 8 files
    for epoch in range(2):
        seen: Counter[str] = Counter()
        for rank in range(2):
            data = module(root, num_workers=2)
            data.images_seen = 64 * epoch
            for batch in first(data, 8, rank=rank, processes=2):
                seen.update(batch.captions)
        assert seen == Counter({f"image {number}": 1 for number in range(64)})


def test_files_come_in_another_order_each_pass_and_neighbours_stay_near(tmp_path, shards):
    data = module(shards(tmp_path, *[20] * 10), shuffle_buffer=5)
    orders = []
    for epoch in range(2):
        data.images_seen = 200 * epoch
        orders.append([n for batch in first(data, 50) for n in batch.index.tolist()])
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(200))
    assert orders[0] != orders[1]
    assert all(
        len({n // 20 for n in order[i : i + 10]}) <= 3 for order in orders for i in range(0, 190)
    )
    mixed = module(tmp_path, shuffle_buffer=1000)
    assert len({n // 20 for batch in first(mixed, 5) for n in batch.index.tolist()}) > 5


@pytest.mark.parametrize(
    ("suffix", "content", "expected"),
    [
        ("txt", "\ufeffa thing\n\n another \n", ["a thing", "another"]),
        ("json", '{"id": 3, "caption": "a thing"}', ["a thing"]),
        ("json", '{"texts": ["a", "b"], "title": "c"}', ["a", "b"]),
        ("json", '["a", "b"]', ["a", "b"]),
        ("cls", "1\n", ["a dog"]),
    ],
)
def test_captions_are_text_json_or_a_class(tmp_path, tar, png, suffix, content, expected):
    tar(
        tmp_path / "a.tar",
        {"x.y/1.png": png(), f"x.y/1.{suffix}": content.encode(), "x.y/1.npy": b""},
    )
    data = module(tmp_path / "a.tar", class_names=["a cat", "a dog"])
    assert captions(data) == expected
    assert data.captions(9) == expected[:1]


@pytest.mark.parametrize(
    ("suffix", "content", "reason"),
    [
        ("txt", b" \n", "its .txt holds no caption"),
        ("txt", b"\xff", "its .txt must be UTF-8 text"),
        ("txt", b"x" * 10_001, "its .txt: a caption may have at most 10,000 characters, got 10,0"),
        ("txt", b"x" * 1_000_001, "it has 1,000,001 bytes, and may have 1,000,000"),
        ("json", b'{"caption": 1', "its .json: it is not valid JSON"),
        ("json", b"[" * 50_000, "its .json: it is not valid JSON"),
        ("json", b'{"width": 3}', "its .json holds no caption"),
        ("cls", b"2", "its .cls: it must be from 0 to 1, got '2'"),
        ("cls", b"-1", "its .cls: it must be from 0 to 1, got '-1'"),
    ],
)
def test_a_sample_without_a_good_caption_is_left_out_with_its_reason(
    tmp_path, tar, png, suffix, content, reason
):
    members = {"good.png": png(), "good.txt": b"good", "bad.png": png(), f"bad.{suffix}": content}
    data = module(tar(tmp_path / "a.tar", members), class_names=["a", "b"])
    shown = {text for batch in first(data, 2) for text in batch.captions}
    assert shown == {"good"}
    assert any(why.startswith(reason) for _, why in data.skipped)
    assert "were skipped or not looked at: " in data.summary()


def add(file: tarfile.TarFile, name: str, content: bytes = b"", **attributes: object) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    file.addfile(info, io.BytesIO(content))


def test_hostile_members_are_left_out_with_their_reasons(tmp_path, png):
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        for name in ("good", "/abs", "../up", "a/../../up2", "missing"):
            add(file, f"{name}.png", png())
            if name != "missing":
                add(file, f"{name}.txt", b"a caption")
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            add(file, "link.txt", type=kind, linkname="/etc/passwd")
        add(file, "fifo.png", type=tarfile.FIFOTYPE)
        add(file, "device.png", type=tarfile.CHRTYPE)
        add(file, "wide.png", png(size=(200, 100)))
        add(file, "wide.txt", b"wide")
        add(file, "alone.txt", b"alone")
        add(file, "good.png", png())  # a second one, far from the first
        add(file, "good.txt", b"again")
    data = module(tmp_path / "a.tar", max_megapixels=0.01)
    shown = {text for batch in first(data, 3) for text in batch.captions}
    assert shown == {"a caption", "again"}
    reasons = Counter(reason for _, reason in data.skipped)
    assert reasons["its name leads out of a folder"] == 6
    assert reasons["it is no regular file"] == 4
    assert reasons["it has no caption (.txt, .json or .cls)"] == 1
    assert reasons["it has no image"] == 1
    assert any("200 x 100 pixels are more than max_megapixels" in reason for reason in reasons)


def test_headers_without_end_neither_take_memory_nor_go_round_for_ever(tmp_path, png):
    good = io.BytesIO()
    with tarfile.open(fileobj=good, mode="w") as file:
        add(file, "good.png", png())
        add(file, "good.txt", b"a caption")
    start = good.getvalue()[:2048]
    huge = tarfile.TarInfo("x")
    huge.type, huge.size = tarfile.XHDTYPE, 2**33  # a header of 8 GB
    back = bytearray(tarfile.TarInfo("y.png").tobuf(tarfile.GNU_FORMAT))
    back[124:136] = b"\xff" * 10 + (2**16 - 1024).to_bytes(2, "big")  # minus 1,024
    total = sum(back[:148]) + 8 * 32 + sum(back[156:512])
    back[148:156] = f"{total:06o}\0 ".encode()
    chain = tarfile.TarInfo("z")
    chain.type, chain.size = tarfile.GNUTYPE_LONGNAME, 2
    long_names = (chain.tobuf(tarfile.GNU_FORMAT) + b"a\0".ljust(512, b"\0")) * 5000
    for bad in (huge.tobuf(tarfile.GNU_FORMAT), bytes(back), long_names, b"\1" * 512):
        (tmp_path / "a.tar").write_bytes(start + bad + bytes(1024))
        data = module(tmp_path / "a.tar")
        assert captions(data) == ["a caption"]
        data.skipped.sort()
    (tmp_path / "a.tar").write_bytes(start[:700])
    with pytest.raises(ValueError, match=r"no captioned image is in .*a.tar: .*broken from byte"):
        captions(module(tmp_path / "a.tar"))


@pytest.mark.parametrize("url", ["pipe:cat a.tar", "https://x.org/a.tar", "s3://b/{0..3}.tar"])
def test_only_local_files_are_read(url):
    with pytest.raises(ValueError, match="urls must be local tar files or a folder of them, got"):
        captions(module(url))


def test_splits_are_named_given_or_taken_by_share(tmp_path, shards):
    named = tmp_path / "named"
    for prefix, lengths in (("cc-train", [4, 4]), ("cc-val", [3]), ("test", [2])):
        shards(named, *lengths, prefix=prefix)
    data = module(named)
    assert [len(data.dataset(split)) for split in ("train", "val", "test")] == [8, 3, 2]
    plain = shards(tmp_path / "plain", *[2] * 8, prefix="part")
    data = module(plain, val_share=0.05, test_share=0.25)
    assert [len(data.dataset(split)) for split in ("train", "val", "test")] == [10, 2, 4]
    names = {split: {path.name for path in data.files.of(split)} for split in ("val", "test")}
    shards(tmp_path / "plain", 2, prefix="more")
    more = module(plain, val_share=0.05, test_share=0.25)
    assert sum(len(more.files.of(split)) for split in ("train", "val", "test")) == 9
    given = module(
        f"{plain}/part-000{{0..4}}.tar::{plain}/part-0005.tar",
        val_urls=f"{plain}/part-0006.tar",
        test_urls=f"{plain}/part-0007.tar",
    )
    assert [len(given.dataset(split)) for split in ("train", "val", "test")] == [12, 2, 2]
    assert names["val"].isdisjoint(names["test"])


def test_without_val_files_the_training_images_are_shown(tmp_path, shards):
    data = module(shards(tmp_path, 6))
    with pytest.warns(UserWarning, match="there are no tar files of val: the samples of train"):
        assert len(data.dataset("val")) == 6
    assert data.shown_split("test") == "train"


def test_links_in_a_folder_are_followed_only_where_asked(tmp_path, shards):
    shards(tmp_path / "away", 3)
    root = shards(tmp_path / "root", 2, prefix="own")
    (root / "far.tar").symlink_to(tmp_path / "away" / "train-0000.tar")
    data = module(root)
    assert len(data.dataset("train")) == 2
    assert data.skipped == [(str(root / "far.tar"), "it is a link, and follow_links is false")]
    assert len(module(root, follow_links=True).dataset("train")) == 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: root, "urls must be a folder of .tar files"),
        (lambda root: root / "none.tar", "none.tar' does not exist"),
        (lambda root: root / "{0..2}.tar", "0.tar' does not exist"),
        (lambda root: root / "packed.tgz", r"must be a tar file that is not compressed \(unpack a"),
        (lambda root: root / "empty.bin", "no captioned image is in"),
    ],
)
def test_what_is_no_set_of_tar_files_is_one_sentence(tmp_path, make, message):
    with tarfile.open(tmp_path / "packed.tgz", "w:gz") as file:
        add(file, "a.png", b"x")
    tarfile.open(tmp_path / "empty.bin", "w").close()
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        captions(module(make(tmp_path)))


def test_without_the_library_one_sentence_says_how_to_install_it(tmp_path, shards, monkeypatch):
    root = shards(tmp_path, 2)
    monkeypatch.setitem(sys.modules, "webdataset", None)
    with pytest.raises(ConfigError, match=r"webdataset: pip install textgan\[webdataset\]"):
        captions(module(root))


@pytest.mark.parametrize("name", ["urls", "val_urls", "test_urls"])
def test_the_command_line_takes_a_pattern_as_it_is_typed(name):
    kind = kind_of(inspect.signature(WebDataset).parameters[name].annotation)
    assert (kind.is_text, kind.is_path, kind.takes_null) == (True, True, name != "urls")
