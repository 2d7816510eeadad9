"""Arguments that no data set can be made of are refused when the module is built."""

import pytest

from textgan.data import FashionMNIST, Folder, HuggingFace, Shapes, WebDataset

SOURCE = {Folder: "root", FashionMNIST: "root", HuggingFace: "path", WebDataset: "urls"}
SHARES = "val_share and test_share must be at least 0 and together at most 1, got "
ENCODING = "encoding must be one that Python knows, such as utf-8"


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (Folder, {"crop": "middle"}, "crop must be one of center, random, pad, squash, got 'mid"),
        (Folder, {"channels": 2}, "channels must be 1, 3 or 4, got 2"),
        (Folder, {"image_size": 0}, "image_size must be at least 1, got 0"),
        (Folder, {"background": "wite"}, "background must be a colour name or #rrggbb, got 'wite'"),
        (Folder, {"val_share": 0.7, "test_share": 0.4}, f"{SHARES}0.7 and 0.4"),
        (Folder, {"batch_size": 0}, "batch_size must be at least 1, got 0"),
        (Folder, {"max_megapixels": 0}, "max_megapixels must be positive, got 0"),
        *((Folder, {"encoding": name}, ENCODING) for name in ("utf8000", "hex", "a\0b")),
        (FashionMNIST, {"image_size": 15}, "image_size must be at least 16, got 15"),
        (FashionMNIST, {"channels": 4}, "channels must be 1 or 3, got 4"),
        (FashionMNIST, {"val_size": 0}, "val_size must be at least 1, got 0"),
        (FashionMNIST, {"templates": []}, r"must each hold {} for the class's name, got \[\]"),
        (FashionMNIST, {"templates": ["{}", "a photo"]}, r"must each hold {} for .* 'a photo'\]"),
        (HuggingFace, {"val_share": 2}, f"{SHARES}2 and 0.0"),
        (HuggingFace, {"shuffle_buffer": 0}, "shuffle_buffer must be at least 1, got 0"),
        (WebDataset, {"val_share": -0.1}, f"{SHARES}-0.1 and 0.0"),
        (WebDataset, {"shuffle_buffer": 0}, "shuffle_buffer must be at least 1, got 0"),
        (WebDataset, {"max_megapixels": 0}, "max_megapixels must be positive, got 0"),
        (Shapes, {"image_size": 8}, "image_size must be from 16 to 256, got 8"),
        (Shapes, {"spread": 1.5}, "spread must be from 0 to 1, got 1.5"),
        (Shapes, {"val_size": 0}, "val_size must be at least 1, got 0"),
        (Shapes, {"relations": ["in front of", "above"]}, "unless hard is true"),
        (Shapes, {"backgrounds": ["mauve"]}, "backgrounds must be .*mauve"),
    ],
)
def test_an_impossible_argument_is_refused_at_construction(kind, arguments, message):
    source = {SOURCE[kind]: "anywhere"} if kind in SOURCE else {}
    with pytest.raises(ValueError, match=message):
        kind(**{**source, "batch_size": 4, **arguments})
