"""Captions of emoji, from a clone of the images and one of CLDR with six of them."""

import json
from pathlib import Path

import pytest
from PIL import Image

from experiments.emoji64 import captions
from textgan.data import Folder

NAMES = {
    "👷": ("construction worker", ["build", "construction", "hat", "person"]),
    "👷🏿": ("construction worker: dark skin tone", ["build", "dark skin tone", "hat", "worker"]),
    "👨‍❤‍👨": ("couple with heart: man, man", ["couple", "love"]),
    "🤼": ("people wrestling", ["combat"]),
}
DERIVED = {"🇫🇷": ("flag: France", ["flag"]), "👩🏻‍🦰": ("woman: light skin tone, red hair", [])}
IMAGES = ["1f477", "1f477_1f3ff", "1f468_200d_2764_200d_1f468", "1f93c_1f3fc", "0037", "20e3"]


def write_annotations(path: Path, key: str, names: dict[str, tuple[str, list[str]]]) -> None:
    path.parent.mkdir(parents=True)
    entries = {k: {"default": words, "tts": [name]} for k, (name, words) in names.items()}
    path.write_text(json.dumps({key: {"annotations": entries}}), encoding="utf-8")


@pytest.fixture
def clones(tmp_path):
    """A clone of the images and one of CLDR."""
    noto, cldr = tmp_path / "noto-emoji", tmp_path / "cldr"
    files = [noto / f"png/128/emoji_u{code}.png" for code in IMAGES]
    for place, file in enumerate([*files, noto / "third_party/region-flags/png/FR.png"]):
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGBA", (16, 16), (30 * place, 0, 0, 128)).save(file)
    for package, key, names in (
        ("cldr-annotations-full", "annotations", NAMES),
        ("cldr-annotations-derived-full", "annotationsDerived", DERIVED),
    ):
        write_annotations(cldr / f"cldr-json/{package}/{key}/en/annotations.json", key, names)
    return noto, cldr


def read(path: Path) -> dict[str, dict]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["file"].split("emoji_u")[-1]: row for row in rows}


def test_each_image_with_a_name_becomes_a_row(clones, capsys):
    noto, cldr = clones
    assert captions.main([str(noto), str(cldr)]) == 0
    rows = read(noto / "captions.jsonl")
    assert len(rows) == 6
    assert "1 without a name are left out" in capsys.readouterr().out
    assert rows["1f477_1f3ff.png"] == {
        "file": "png/128/emoji_u1f477_1f3ff.png",
        "captions": [
            "construction worker with dark skin tone",
            "construction worker with dark skin tone emoji",
            "a picture of construction worker with dark skin tone",
            "construction worker with dark skin tone on a white background",
            "construction worker with dark skin tone, build, hat",
        ],
        "concept": "construction worker",
        "tones": ["dark"],
        "split": "train",
    }
    couple = rows["1f468_200d_2764_200d_1f468.png"]
    assert couple["captions"][0] == "couple with heart of man and man"
    assert couple["tones"] == []
    toned = rows["1f93c_1f3fc.png"]  # CLDR names only the emoji without the tone
    assert toned["captions"][0] == "people wrestling with medium-light skin tone"
    assert (toned["concept"], toned["tones"]) == ("wrestling", ["medium-light"])
    assert rows["0037.png"]["captions"][0] == "digit 7"
    flag = rows["third_party/region-flags/png/FR.png"]
    assert (flag["captions"][-1], flag["concept"]) == ("flag of France, country", "flag FR")


def test_the_folder_data_set_reads_the_captions(clones):
    noto, cldr = clones
    assert captions.main([str(noto), str(cldr)]) == 0
    folder = Folder(str(noto), batch_size=2, image_size=16, val_share=0.0, crop="pad")
    assert len(folder.dataset("train")) == 6
    assert "construction worker" in folder.captions(limit=100)


def test_a_short_name_becomes_a_caption():
    assert captions.plain_caption("keycap: 3") == "keycap 3"
    assert captions.plain_caption("hot dog") == "hot dog"
    caption = "kiss with man, man and dark skin tone"
    assert captions.plain_caption("kiss: man, man, dark skin tone") == caption
    assert captions.plain_caption("family: adult, child") == "family of adult and child"


def test_a_concept_does_not_contain_the_person():
    assert captions.concept_of("woman running: dark skin tone", (0x1F3C3,)) == "running"
    assert captions.concept_of("man: red hair", (0x1F468,)) == "person"
    assert captions.concept_of("snowboarder", (0x1F3C2,)) == "snowboarder"


def test_the_hash_of_a_concept_decides_its_split():
    splits = [captions.split_of(f"concept {number}") for number in range(2000)]
    assert 120 < splits.count("test") < 200
    assert 50 < splits.count("val") < 110
    assert captions.split_of("gorilla") == "val"


def test_a_wrong_folder_is_reported_in_one_sentence(clones, tmp_path, capsys):
    noto, cldr = clones
    assert captions.main([str(noto), str(noto)]) == 2
    assert "must be a clone of cldr-json" in capsys.readouterr().err
    assert captions.main([str(cldr), str(cldr)]) == 2
    assert "without png/128" in capsys.readouterr().err
    assert captions.main([str(noto), str(cldr), "--out", str(cldr / "captions.jsonl")]) == 2
    assert "--out must lie in" in capsys.readouterr().err
    broken = cldr / "cldr-json/cldr-annotations-full/annotations/en/annotations.json"
    broken.write_text("{}")
    assert captions.main([str(noto), str(cldr)]) == 2
    assert "is not CLDR's annotations" in capsys.readouterr().err
