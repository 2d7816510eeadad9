"""Names of splits: of folders, of files, and in a column."""

import re

SPLITS = {
    **dict.fromkeys(("train", "training", "restval"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "devel"), "val"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
# words that may accompany a split's name, or alone name a folder that is no class
_NEUTRAL = {
    *("image", "images", "img", "imgs", "picture", "pictures", "pic", "pics", "photo", "photos"),
    *("jpg", "jpeg", "jpegs", "jpegimages", "png", "data", "dataset", "set", "split", "splits"),
    *("raw", "all", "full", "folder", "files", "thumbs", "thumbnails"),
    *("unlabeled", "unlabelled", "untitled", "new"),
}
_PARTS = {"batch", "part", "shard", "chunk", "bucket", "subset"}
_FILE = {"captions", "caption", "metadata", "annotations", "labels", "results", "token"}
_WORD = re.compile(r"[a-z]+|\d+|[^\W\d_]+")


def split_of(name: str) -> str | None:
    """The split in a folder's name ("train2017", "images_val"), or None.

    Every other word of the name must be a number or a word such as "images".
    """
    words = _words(name)
    splits = [SPLITS[word] for word in words if word in SPLITS]
    others = [word for word in words if word not in SPLITS]
    if len(splits) != 1 or not all(word.isdigit() or word in _NEUTRAL for word in others):
        return None
    return splits[0]


def split_of_file(stem: str) -> str | None:
    """The split in a captions file's name ("captions_train2017"), or None."""
    rest = [word for word in _words(stem) if word not in _FILE]
    return split_of(" ".join(rest))


def is_class(name: str) -> bool:
    """Whether a folder's name may be a caption: not that of a split, "images" or "batch1"."""
    words = _words(name)
    if not words or split_of(name) is not None:
        return False
    if all(word in _NEUTRAL for word in words):
        return False
    if len(words) == 1:
        return not re.fullmatch(r"\d{4,}", words[0])
    is_part = words[0] in _PARTS and all(word.isdigit() for word in words[1:])
    numbered = words[0] in _NEUTRAL and all(word.isdigit() for word in words[1:])
    return not is_part and not numbered


def _words(name: str) -> list[str]:
    """Words and numbers of a name in small letters, also those of "train2017" and "trainImages"."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = _WORD.findall(parted.casefold())
    return [part for word in words for part in _without_set(word)]


def _without_set(word: str) -> list[str]:
    """A word such as "trainset" as two words, any other word unchanged."""
    stem = word.removesuffix("set").removesuffix("data")
    return [stem, "set"] if stem != word and stem in SPLITS else [word]
