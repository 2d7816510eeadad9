"""Layouts of public data sets and of spreadsheets, and the messages for those not read."""

import json
import os
import re
from pathlib import Path

import pytest

from textgan.data import Folder

NAMES = [f"p{place}.png" for place in range(3)]
ONE = ("a red thing, large",)
TWO = ("a thing", "b thing")


def csv_of(
    header: str, row: str, name: str = "metadata.csv", end: str = "\n", encoding: str = "utf-8"
) -> dict[str, bytes]:
    """A captions file of a row for each image, {} being its name."""
    lines = [*([header] if header else []), *(row.replace("{}", each) for each in NAMES)]
    return {name: (end.join(lines) + end).encode(encoding)}


def json_of(document: object, name: str = "metadata.json") -> dict[str, bytes]:
    return {name: json.dumps(document).encode()}


ROWS = [{"image": name, "caption": ONE[0]} for name in NAMES]
IMAGES = [{"id": place, "file_name": name} for place, name in enumerate(NAMES)]
SAID = [{"image_id": image["id"], "caption": text} for image in IMAGES for text in TWO]
COCO = {"info": {}, "images": IMAGES, "annotations": SAID}
KARPATHY = [
    {"filename": name, "sentences": [{"raw": text, "tokens": text.split()} for text in TWO]}
    for name in NAMES
]
BARE = "a red thing, large"

READ = {
    # columns and delimiters
    "tab, filepath and title": (csv_of("filepath\ttitle", f"{{}}\t{BARE}", name="train.csv"), ONE),
    "tab in .tsv with a quote as a letter": (
        csv_of("path\ttext", '{}\t"Stop" says the sign', name="all.tsv"),
        ('"Stop" says the sign',),
    ),
    "tab, quoted by a spreadsheet": (
        csv_of("path\ttext", '{}\t"says ""stop"", twice"', name="all.tsv"),
        ('says "stop", twice',),
    ),
    "semicolon": (csv_of("file_name;text", f"{{}};{BARE}"), ONE),
    "semicolon, Excel's first line, UTF-16": (
        csv_of("sep=;\r\nfile_name;text", "{};drei Bären", encoding="utf-16", end="\r\n"),
        ("drei Bären",),
    ),
    "bar, Flickr30k": (
        csv_of("image_name| comment_number| comment", f"{{}}| 0| {BARE}", name="results.csv"),
        ONE,
    ),
    "bar without header": (csv_of("", f"{{}}| 0| {BARE}", name="results.csv"), ONE),
    "comma without header": (csv_of("", f'{{}},"{BARE}"', name="list.csv"), ONE),
    "space after the comma": (csv_of("file_name, text", f'{{}}, "{BARE}"'), ONE),
    "space after the semicolon": (csv_of("file_name; text", '{}; "a; b"'), ("a; b",)),
    "a comma at each row's end": (csv_of("file_name,text", "{},a thing,"), TWO[:1]),
    "semicolons at each line's end": (csv_of("file_name;text;;", "{};a thing;;"), TWO[:1]),
    "a column of row numbers, by pandas": (csv_of(",file_name,text", "4,{},a thing"), TWO[:1]),
    "numbered columns": (csv_of("file_name,caption_1,caption_2", "{},a thing,b thing"), TWO),
    "columns of one name": (csv_of("File Name,Caption,Caption", "{},a thing,b thing"), TWO),
    # values
    "a list as Python writes it": (
        csv_of("file_name,captions", "{},\"['a thing', 'b thing']\""),
        TWO,
    ),
    "a list as JSON": (csv_of("file_name,text", '{},"[""a thing"", ""b thing""]"'), TWO),
    "a tuple": (csv_of("file_name|captions", "{}|('a thing', 'b thing')"), TWO),
    "a number": (csv_of("file_name,text", "{},7"), ("7",)),
    "a number in JSON": (json_of([{"file_name": name, "text": 3} for name in NAMES]), ("3",)),
    # names
    "names without an extension": (
        {"metadata.csv": b"file_name,text\np0,a thing\np1,a thing\np2.jpg,a thing\n"},
        TWO[:1],
    ),
    "a byte order mark": (csv_of("file_name,text", "{},é", encoding="utf-8-sig"), ("é",)),
    # JSON
    "an array": (json_of(ROWS), ONE),
    "an array in .jsonl": (json_of(ROWS, "metadata.jsonl"), ONE),
    "lines in .json": ({"data.json": "\n".join(map(json.dumps, ROWS)).encode()}, ONE),
    "an array of pairs": (json_of([[name, BARE] for name in NAMES], "all.json"), ONE),
    "captions by name": (json_of({name: list(TWO) for name in NAMES}, "all.json"), TWO),
    "objects by name, kohya": (
        json_of({name[:-4]: {"caption": BARE} for name in NAMES}, "meta_cap.json"),
        ONE,
    ),
    "columns as pandas writes them": (
        json_of(
            {
                "file_name": {str(place): name for place, name in enumerate(NAMES)},
                "text": {str(place): BARE for place in range(3)},
            },
            "frame.json",
        ),
        ONE,
    ),
    "columns of lists": (json_of({"image": NAMES, "caption": [BARE] * 3}, "frame.json"), ONE),
    "a list below a key": (json_of({"version": 1, "data": ROWS}, "all.json"), ONE),
    # known sets
    "COCO": (json_of(COCO, "captions_train2017.json"), TWO),
    "Karpathy's splits": (json_of({"images": KARPATHY}, "dataset_flickr8k.json"), TWO),
    "Flickr8k": (
        {
            "Flickr8k.token.txt": "".join(
                f"{name}#{place}\t{text}\n" for name in NAMES for place, text in enumerate(TWO)
            ).encode()
        },
        TWO,
    ),
    "Flickr30k's .token": (csv_of("", f"{{}}#0\t{BARE}", name="results_20130124.token"), ONE),
    "Flickr8k at Kaggle": (
        csv_of("image,caption", '{},"a red thing, large"', name="captions.txt"),
        ONE,
    ),
    # beside the images
    "kohya's .caption": ({name[:-3] + "caption": BARE.encode() for name in NAMES}, ONE),
    "img2dataset": (
        {
            **{name[:-3] + "txt": BARE.encode() for name in NAMES},
            **{name[:-3] + "json": b'{"caption": "x", "url": "y"}' for name in NAMES},
            "00000_stats.json": b'{"count": 3}',
        },
        ONE,
    ),
    "JSON beside each": (
        {name[:-3] + "json": b'{"caption": "a thing"}' for name in NAMES},
        TWO[:1],
    ),
    "a list in a text file": (
        {name[:-3] + "txt": b"['a thing', 'b thing']" for name in NAMES},
        TWO,
    ),
}


@pytest.mark.parametrize("layout", READ)
def test_a_layout_is_read_whole(tmp_path, layout, lay, folder, said):
    others, captions = READ[layout]
    data = folder(lay(tmp_path, others, NAMES))
    assert said(data) == dict.fromkeys(NAMES, captions)
    assert data.skipped == []
    assert data.reading.faults == []


NESTED = {
    "Windows paths": (csv_of("file_name,text", "images\\{},a thing"), "images/{}"),
    "Windows paths in JSON lines": (
        {
            "metadata.jsonl": "\n".join(
                json.dumps({"file_name": f"images\\{name}", "text": "a thing"}) for name in NAMES
            ).encode()
        },
        "images/{}",
    ),
    "names from the root in a split folder": (
        csv_of("file_name,text", "train/{},a thing", name="train/metadata.csv"),
        "train/{}",
    ),
    "names from the file's own folder": (
        csv_of("file_name,text", "{},a thing", name="batch1/metadata.csv"),
        "batch1/{}",
    ),
    "images in a folder that no name has": (
        csv_of("", "{}#0\ta thing", name="Flickr8k_text/Flickr8k.token.txt"),
        "Flicker8k_Dataset/{}",
    ),
    "a table named after the folder": (
        csv_of("file_name,text", "{},a thing", name="train.csv"),
        "train/{}",
    ),
    "COCO as it is unpacked": (
        json_of(
            {
                "images": IMAGES,
                "annotations": [{"image_id": p, "caption": "a thing"} for p in range(3)],
            },
            "annotations/captions_train2017.json",
        ),
        "train2017/{}",
    ),
}


@pytest.mark.parametrize("layout", NESTED)
def test_names_are_found_in_sub_folders(tmp_path, layout, lay, folder, said):
    others, place = NESTED[layout]
    files = [place.replace("{}", name) for name in NAMES]
    data = folder(lay(tmp_path, others, files))
    assert said(data) == dict.fromkeys(files, ("a thing",))


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
    "two text columns without header": (csv_of("", "{}\ta\tb"), r"none of the col"),
    "COCO's boxes": (
        json_of({"images": IMAGES, "annotations": [{"image_id": 0, "bbox": [0, 0, 1, 1]}]}),
        r"none of its annotations has a caption\. COCO's captions are in .* captions_\*\.json",
    ),
    "COCO of other images": (
        json_of({"images": IMAGES, "annotations": [{"image_id": 7, "caption": "x"}]}),
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


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("cp1252", "a café \u2013 “nice”"), ("gb18030", "一只红色的狗"), ("utf-16-le", "drei Bären")],
)
def test_the_encoding_can_be_named(tmp_path, encoding, text, lay, folder, said):
    lay(tmp_path, csv_of("file_name,text", f"{{}},{text}", encoding=encoding), NAMES)
    assert said(folder(tmp_path, encoding=encoding)) == dict.fromkeys(NAMES, (text,))


def test_the_cases_load_or_get_their_sentence(said):
    """The same for real folders of these layouts, where they are."""
    cases = Path(os.environ.get("TEXTGAN_DATA", "/nowhere")).parent / "cases"
    if not cases.is_dir():
        pytest.skip("there is no folder `cases` beside TEXTGAN_DATA")
    refused = {
        "csv_cp1252": r"data\.encoding=cp1252",
        "parquet_only": r"data=huggingface data\.path=",
        "tar_only": r"data=webdataset data\.urls=",
    }
    several = {"csv_two_caption_cols": 2, "list_python_in_csv": 2, "flickr8k_token_named": 1}
    for case in sorted(path for path in cases.iterdir() if path.is_dir()):
        data = Folder(str(case), batch_size=4, image_size=8, val_share=0)
        if case.name in refused:
            with pytest.raises(ValueError, match=refused[case.name]):
                data.setup("fit")
            continue
        found = said(data)
        assert len(found) == 8, case.name
        assert {len(texts) for texts in found.values()} == {several.get(case.name, 1)}, case.name
        assert len(data.dataset("train")) == 8
    data = Folder(str(cases / "csv_cp1252"), batch_size=4, encoding="cp1252", val_share=0)
    assert set(said(data).values()) == {("a café \u2013 “nice”",)}


def test_a_quotation_mark_that_rows_later_is_closed_swallows_no_rows(tmp_path, lay, folder, said):
    rows = ["path\ttext", 'a.png\t"red thing', "b.png\tblue", 'c.png\tgreen thing"', "d.png\tx"]
    table = {"all.tsv": "\n".join(rows).encode()}
    data = folder(lay(tmp_path, table, [f"{name}.png" for name in "abcd"]))
    texts = {"a": '"red thing', "b": "blue", "c": 'green thing"', "d": "x"}
    assert said(data) == {f"{name}.png": (text,) for name, text in texts.items()}
