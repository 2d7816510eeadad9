"""Fixtures: folders, tar files and tables of small images."""

import gzip
import io
import json
import struct
import sys
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.data import Folder
from textgan.image import to_uint8

Maker = Callable[..., Path]


@pytest.fixture
def save() -> Maker:
    """Saves an image of one colour."""

    def make(path: Path, colour: tuple[int, ...] = (255, 0, 0)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new({3: "RGB", 4: "RGBA"}[len(colour)], (12, 12), colour).save(path)
        return path

    return make


@pytest.fixture
def jsonl() -> Callable[[Path, list], None]:
    """Writes rows, or lines as they are, as JSON lines."""

    def write(path: Path, rows: list) -> None:
        lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
        path.write_text("\n".join(lines), encoding="utf-8")

    return write


@pytest.fixture
def numbered(save, jsonl) -> Maker:
    """A folder of n images, each of another colour, with a metadata.jsonl."""

    def make(root: Path, n: int) -> Path:
        for place in range(n):
            save(root / f"{place:03}.png", (place, 255 - place, 100))
        rows = [{"file_name": f"{place:03}.png", "text": f"image {place}"} for place in range(n)]
        jsonl(root / "metadata.jsonl", rows)
        return root

    return make


@pytest.fixture
def lay(save) -> Maker:
    """Writes images and other files, and returns the folder."""

    def make(root: Path, others: dict[str, str | bytes], names: Sequence[str] = ()) -> Path:
        for place, name in enumerate(names):
            save(root / name, (40 * place, 200, 7))
        for name, content in others.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return make


@pytest.fixture
def bars() -> Maker:
    """An image of 24 x 8: red, green and blue squares side by side."""

    def make(path: Path) -> Path:
        image = Image.new("RGB", (24, 8), (255, 0, 0))
        image.paste((0, 255, 0), (8, 0, 16, 8))
        image.paste((0, 0, 255), (16, 0, 24, 8))
        image.save(path)
        return path

    return make


@pytest.fixture
def captioned(bars, jsonl) -> Maker:
    """12 wide images with three captions each, so that every draw shows."""

    def make(root: Path) -> Path:
        rows = []
        for place in range(12):
            bars(root / f"{place}.png")
            rows.append({"file": f"{place}.png", "captions": [f"{place} {word}" for word in "abc"]})
        jsonl(root / "captions.jsonl", rows)
        return root

    return make


@pytest.fixture
def broken_folder(numbered) -> Maker:
    """20 images, of which one is a cut JPEG, one is text and one is missing."""

    def make(root: Path) -> Path:
        numbered(root, 20)
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(root / "whole.jpg")
        (root / "003.png").write_bytes((root / "whole.jpg").read_bytes()[:900])
        (root / "whole.jpg").unlink()
        (root / "004.png").write_text("not an image")
        (root / "010.png").unlink()
        return root

    return make


@pytest.fixture
def idx() -> Callable[..., Path]:
    """Writes an array of bytes in the idx format, packed where the name ends with .gz."""

    def write(path: Path, array: np.ndarray, *, magic: int | None = None) -> Path:
        magic = 2048 + array.ndim if magic is None else magic
        header = struct.pack(f">{1 + array.ndim}I", magic, *array.shape)
        content = header + array.astype(np.uint8).tobytes()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return path

    return write


@pytest.fixture
def clothes(idx, jsonl) -> Maker:
    """Fashion-MNIST with 80 and 20 images of three classes.

    Image i has label i % 3; all its pixels are 2 * i, but the one of row 0 and column 1 is 255.
    """

    def make(root: Path) -> Path:
        for part, n in (("train", 80), ("heldout/t10k", 20)):
            pixels = np.tile(2 * np.arange(n)[:, None, None], (1, 28, 28))
            pixels[:, 0, 1] = 255
            idx(root / f"{part}-images-idx3-ubyte.gz", pixels)
            idx(root / f"{part}-labels-idx1-ubyte.gz", np.arange(n) % 3)
        names = ("Shirt", "Bag", "Ankle boot")
        rows = [
            {"label": label, "name": name, "captions": [f"a {name.lower()}", f"{name} on black"]}
            for label, name in enumerate(names)
        ]
        jsonl(root / "captions.jsonl", rows)
        return root

    return make


@pytest.fixture
def folder() -> Callable[..., Folder]:
    """The data module over a folder, small."""

    def make(root: Path, **arguments) -> Folder:
        return Folder(str(root), **{"batch_size": 4, "image_size": 8, **arguments})

    return make


@pytest.fixture
def said() -> Callable[[Folder], dict[str, tuple[str, ...]]]:
    """File -> captions over all splits."""

    def read(data: Folder) -> dict[str, tuple[str, ...]]:
        rows = [*data.split.train, *data.split.val, *data.split.test]
        return {row.file: row.captions for row in rows}

    return read


@pytest.fixture
def files() -> Callable[[Folder, str], set[str]]:
    """The files of a split."""

    def read(data: Folder, split: str) -> set[str]:
        return {row.file for row in getattr(data.split, split)}

    return read


@pytest.fixture
def only_image(folder, jsonl) -> Callable[..., torch.Tensor]:
    """The one image of a folder as the loader shows it, uint8 (C, H, W)."""

    def read(root: Path, **arguments) -> torch.Tensor:
        (root / "metadata.jsonl").unlink(missing_ok=True)
        name = next(path.name for path in root.iterdir())
        jsonl(root / "metadata.jsonl", [{"file_name": name, "text": "it"}])
        data = folder(root, **arguments)
        return to_uint8(data.dataset("train").__getitems__([(0, 0)]).images[0])

    return read


@pytest.fixture
def tar() -> Callable[[Path, dict[str, bytes]], Path]:
    """Writes a tar file with these members, in their order."""

    def write(path: Path, members: dict[str, bytes]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as file:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
        return path

    return write


@pytest.fixture
def png() -> Callable[..., bytes]:
    """The content of an image of one colour."""

    def make(colour: tuple[int, ...] = (255, 0, 0), size: tuple[int, int] = (12, 12)) -> bytes:
        content = io.BytesIO()
        Image.new("RGB", size, colour).save(content, "png")
        return content.getvalue()

    return make


@pytest.fixture
def shards(tar, png) -> Callable[..., Path]:
    """A folder of tar files with so many samples each, numbered through all of them."""

    def make(root: Path, *lengths: int, prefix: str = "train") -> Path:
        number = 0
        for shard, length in enumerate(lengths):
            members = {}
            for _ in range(length):
                members[f"{number:05}.png"] = png((number % 256, 255 - number % 256, number // 256))
                members[f"{number:05}.txt"] = f"image {number}".encode()
                number += 1
            tar(root / f"{prefix}-{shard:04}.tar", members)
        return root

    return make


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch) -> None:
    """The `datasets` library, where it is loaded, caches in the test's own folder.

    It sleeps 5 s at the end of a pass over a stream, for the sake of a fault of Arrow's.
    """
    if "datasets" in sys.modules:
        config = sys.modules["datasets"].config
        cache = tmp_path_factory.mktemp("huggingface")
        monkeypatch.setattr(config, "HF_DATASETS_CACHE", str(cache))
        monkeypatch.setattr(config, "SLEEP_TIME_ON_THREADS_SHUTDOWN", 0, raising=False)


@pytest.fixture
def parquet(png) -> Callable[..., Path]:
    """Writes a parquet file of so many images in a plain column, or as Hugging Face does."""

    def write(
        path: Path, rows: int, *, start: int = 0, column: str = "struct", content: bytes = b""
    ) -> Path:
        pyarrow = pytest.importorskip("pyarrow", reason="needs textgan[huggingface]")
        parquet = pytest.importorskip("pyarrow.parquet")
        numbers = range(start, start + rows)
        images = [content or png((number, 255 - number, 0)) for number in numbers]
        if column == "struct":
            images = [{"bytes": image, "path": None} for image in images]
        texts = [f"image {number}" for number in numbers]
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pyarrow.table({"image": images, "text": texts}), path)
        return path

    return write
