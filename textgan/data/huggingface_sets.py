"""Load sets with the `datasets` library, without running code that comes with a set."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgan.data.extra import require
from textgan.data.split_name import SPLITS
from textgan.file.home import expanded
from textgan.file.regular import find_files
from textgan.image.file import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

_PACKED = {".parquet": "parquet", ".arrow": "arrow"}
_METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")


@dataclass(frozen=True)
class HuggingFaceSets:
    """The source of the sets of all splits: the arguments of `HuggingFace` with these names."""

    path: str
    name: str | None
    data_files: str | None
    revision: str | None
    streaming: bool

    def load(self) -> dict[str, "Dataset | IterableDataset"]:
        """Split, with the source's name, -> its set.

        Raises:
            FileNotFoundError: there is no such path, and no such set on the hub.
            ValueError: it holds nothing that can be read.
        """
        datasets = require("datasets", "huggingface")
        pyarrow = require("pyarrow", "huggingface")
        errors = (datasets.exceptions.DatasetsError, pyarrow.ArrowException, ValueError)
        try:
            loaded = self._load(datasets)
        except (*errors, OSError, ConnectionError) as error:
            kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
            said = " ".join(str(error.__cause__ or error).split())
            raise kind(f"data.path {self.path!r} cannot be read: {said:.300}") from error
        if isinstance(loaded, dict):
            return {str(split): one for split, one in loaded.items()}
        return {"train": loaded}

    @property
    def folder(self) -> Path | None:
        """The local folder of images that are named by a path; None for a set of the hub."""
        place = Path(expanded(self.path))
        if not place.exists():
            return None
        return place if place.is_dir() else place.parent

    def _load(self, datasets: Any) -> Any:
        place = Path(expanded(self.path))
        if not place.exists():
            return self._from_hub(datasets)
        for argument in ("name", "revision"):
            if getattr(self, argument) is not None:
                raise ValueError(f"data.{argument} is for sets of the hub, and the path is local")
        if (place / "dataset_dict.json").is_file() or (place / "state.json").is_file():
            loaded = datasets.load_from_disk(str(place))
            return loaded if not self.streaming else _streamed(loaded)
        files = [place] if place.is_file() else self._files(place)
        kinds = {_PACKED.get(file.suffix.lower()) for file in files}
        if files and len(kinds) == 1 and None not in kinds:
            by_split = _by_split(place, files)
            return datasets.load_dataset(kinds.pop(), data_files=by_split, streaming=self.streaming)
        if place.is_file() or self.data_files is not None:
            raise ValueError("its files must be .parquet, or all .arrow")
        return self._image_folder(datasets, place)

    def _files(self, folder: Path) -> list[Path]:
        """The files that `data_files` names, or the .parquet and .arrow files of a folder."""
        if self.data_files is None:
            found = find_files(folder, tuple(_PACKED)).files
            return [file for file in found if file.suffix.lower() == ".parquet"] or found
        files = sorted(folder.glob(self.data_files))
        if not files:
            raise FileNotFoundError(f"data.data_files {self.data_files!r} names no file in it")
        return files

    def _image_folder(self, datasets: Any, folder: Path) -> Any:
        found = find_files(folder, IMAGE_SUFFIXES)
        if not found.files:
            raise ValueError(
                "it holds no .parquet or .arrow files, no set of save_to_disk, and no images"
            )
        strange = [path for path in folder.rglob("metadata.*") if path.name in _METADATA]
        for path in strange:
            if path.is_symlink() or not path.is_file():
                raise ValueError(f"{path} must be a regular file and no link")
        return datasets.load_dataset("imagefolder", data_dir=str(folder), streaming=self.streaming)

    def _from_hub(self, datasets: Any) -> Any:
        if not _HUB_NAME.fullmatch(self.path):
            raise FileNotFoundError("it does not exist, and is no name of a set on the hub")
        return datasets.load_dataset(
            self.path,
            self.name,
            data_files=self.data_files,
            revision=self.revision,
            streaming=self.streaming,
        )


def split_name(wanted: str | None, split: str, known: list[str]) -> str | None:
    """The source's name of a split: the one that is wanted, or one of the same meaning.

    A single split is train's. None where there is no such split.

    Raises:
        ValueError: the wanted one is missing.
    """
    if wanted is not None:
        if wanted not in known:
            raise ValueError(f"{split}_split must be one of {', '.join(known)}, got {wanted!r}")
        return wanted
    found = next((name for name in known if SPLITS.get(name.casefold()) == split), None)
    return known[0] if found is None and split == "train" and len(known) == 1 else found


def _by_split(place: Path, files: list[Path]) -> dict[str, list[str]]:
    """Split -> its files, by words in their names and folders ("train-00000-of-00002.parquet")."""
    splits: dict[str, list[str]] = defaultdict(list)
    for file in files:
        inside = str(file.relative_to(place)) if place.is_dir() else file.name
        words = re.findall(r"[a-z]+", inside.casefold())
        named = {SPLITS[word] for word in words if word in SPLITS}
        splits[named.pop() if len(named) == 1 else "train"].append(str(file))
    if "train" not in splits:
        return {"train": [file for files in splits.values() for file in files]}
    return dict(splits)


def _streamed(loaded: Any) -> Any:
    if isinstance(loaded, dict):
        return {split: one.to_iterable_dataset() for split, one in loaded.items()}
    return loaded.to_iterable_dataset()
