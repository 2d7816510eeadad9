"""COCO's captions file, and Karpathy's: a list of images with their captions."""

from collections import defaultdict
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def is_coco(document: Any) -> bool:
    """Whether a JSON document is a list of images with ids, or with sentences of their own."""
    images = document.get("images") if isinstance(document, dict) else None
    if not isinstance(images, list) or not images or not isinstance(images[0], dict):
        return False
    return isinstance(document.get("annotations"), list) or "sentences" in images[0]


def read_coco(document: dict[str, Any], path: Path) -> list[Record]:
    """A record for each image: `file_name`, `captions`, and `split` where the images have one.

    Raises:
        ValueError: an image has no file name, no annotation has a caption, or one is of an image
            that is not in the list.
    """
    if "annotations" not in document:
        return [_of_karpathy(image, path) for image in document["images"]]
    said = defaultdict(list)
    for annotation in document["annotations"]:
        if isinstance(annotation, dict) and "caption" in annotation:
            said[_key(annotation.get("image_id"))].append(annotation["caption"])
    if not said:
        raise ValueError(
            f"{path} holds no captions: none of its annotations has a caption. COCO's captions are "
            "in the files captions_*.json: name one as data.captions_file"
        )
    records = []
    for image in document["images"]:
        name = image.get("file_name") if isinstance(image, dict) else None
        if not name:
            raise ValueError(f"{path}: an image must have a file_name, got {image!r:.80}")
        split = {"split": image["split"]} if "split" in image else {}
        captions = said.pop(_key(image.get("id")), [])
        records.append({"file_name": name, "captions": captions, **split})
    if said:
        raise ValueError(
            f"{path} has captions of {len(said):,} images that its list of images lacks, such as "
            f"{next(iter(said))}"
        )
    return records


def _of_karpathy(image: Any, path: Path) -> Record:
    if not (isinstance(image, dict) and image.get("filename")):
        raise ValueError(f"{path}: an image must have a filename, got {image!r:.80}")
    folder = image.get("filepath")
    name = f"{folder}/{image['filename']}" if folder else image["filename"]
    split = {"split": image["split"]} if "split" in image else {}
    return {"file_name": name, "captions": image.get("sentences", []), **split}


def _key(identity: Any) -> str:
    """An id as text, as some files write the same id as a number and as a string."""
    return str(identity)
