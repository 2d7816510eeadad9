"""Messages for layouts that are not read."""

import json
import re

import pytest

NAMES = [f"p{place}.png" for place in range(3)]


def csv_of(header: str, row: str, name: str = "metadata.csv", encoding: str = "utf-8") -> dict:
    """A captions file of a row for each image, {} being its name."""
    lines = [*([header] if header else []), *(row.replace("{}", each) for each in NAMES)]
    return {name: "".join(f"{line}\n" for line in lines).encode(encoding)}


REFUSED = {
    "parquet": (
        {"data.parquet": b"PAR1"},
        r"^{root} has its captions in Parquet .* data\.parquet, .*"
        r"use data=huggingface data\.path={root}$",
    ),
    "arrow": ({"x/data-0.arrow": b""}, r"use data=huggingface data\.path={root}$"),
    "tar": (
        {"00000.tar": b"x"},
        r"tar files such as 00000\.tar, .* data=webdataset data\.urls={root}$",
    ),
    "zip": ({"captions.zip": b"x"}, r"archives such as captions\.zip: unpack them$"),
    "Windows-1252": (
        csv_of("file_name,text", "{},a café \u2013 “nice”", encoding="cp1252"),
        r"metadata\.csv must be UTF-8 text: .*reads as Windows-1252 \(.*a café \u2013 “nice”.*"
        r"set data\.encoding=cp1252, or save it as UTF-8$",
    ),
    "Windows-1251": (
        csv_of("file_name,text", "{},красный круг на белом", encoding="cp1251"),
        r"reads as Windows-1251 \(.*красный круг на белом.*data\.encoding=cp1251",
    ),
    "UTF-16 without a mark": (
        csv_of("file_name,text", "{},a thing", encoding="utf-16-le"),
        r"it holds null bytes; .*data\.encoding=utf-16-le",
    ),
    "a list that cannot be read": (
        csv_of("file_name,captions", "{},\"['a thing' 'b thing']\""),
        r"p0\.png: a caption looks like a list and cannot be read as one: ",
    ),
    "two columns of captions": (
        csv_of("file_name,title,description", "{},a,b"),
        r"several columns that may hold the captions, description, title: .*data\.caption_column$",
    ),
    "two captions files": (
        {"x.csv": b"file,text\np0.png,a\n", "y.csv": b"file,text\np0.png,b\n"},
        r"several captions files \(x\.csv, y\.csv\): name one as data\.captions_file$",
    ),
    "two kinds of files beside": (
        {"p0.txt": b"tag", "p0.caption": b"a thing"},
        r"has \.txt and \.caption files .* data\.caption_suffix=\.txt or \.caption$",
    ),
    "commas without quotes": (
        csv_of("file_name,text", "{},a red thing, large"),
        r"line 2 has more fields than the header: .* in double quotes$",
    ),
    "unknown column names": (
        csv_of("bild;beschreibung", "{};rot, klein"),
        r"set file_column to one that it has, bild, beschreibung$",
    ),
    "two text columns without header": (
        csv_of("", "{}\ta\tb", name="metadata.csv"),
        r"none of the col",
    ),
    "COCO's boxes": (
        {
            "captions_val2017.json": json.dumps(
                {
                    "images": [{"id": 0, "file_name": "p0.png"}],
                    "annotations": [{"image_id": 0, "bbox": [0, 0, 1, 1]}],
                }
            ).encode()
        },
        r"none of its annotations has a caption\. COCO's captions are in .* captions_\*\.json",
    ),
    "COCO of other images": (
        {
            "captions_val2017.json": json.dumps(
                {
                    "images": [{"id": 0, "file_name": "p0.png"}],
                    "annotations": [{"image_id": place, "caption": "x"} for place in (0, 7)],
                }
            ).encode()
        },
        r"has captions of 1 images that its list of images lacks, such as 7$",
    ),
}


@pytest.mark.parametrize("layout", REFUSED)
def test_a_layout_that_is_not_read_gets_a_sentence(tmp_path, layout, lay, folder):
    others, sentence = REFUSED[layout]
    pattern = sentence.replace("{root}", re.escape(str(tmp_path)))
    with pytest.raises(ValueError, match=pattern) as caught:
        folder(lay(tmp_path, others, NAMES)).setup("fit")
    assert "\n" not in str(caught.value)


def test_shards_without_images_beside_them_say_so_too(tmp_path, folder):
    (tmp_path / "00000.tar").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"data=webdataset data\.urls="):
        folder(tmp_path).setup("fit")
