import base64
import html
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from PIL import Image

from textgan.comparison.stored import read
from textgan.evaluation import Report
from textgan.evaluation.histogram import histogram_figure
from textgan.evaluation.page import page, save
from textgan.evaluation.runner import Shown
from textgan.image import to_pil

VOID = {"meta", "img", "source"}
ASKING = {"src", "href", "srcset", "data", "action", "poster"}


class Page(HTMLParser):
    """What is in a page; raises where a tag is not closed by its own."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.asked, self.images, self.ids = [], [], [], []
        self.cells: list[list[str]] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.tags.add(tag)
        self.asked += [known[name] for name in ASKING & known.keys()]
        self.ids += [known["id"]] if "id" in known else []
        if tag == "img":
            self.images.append(known)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data
        if {"td", "th"} & {*self.open}:
            self.cells[-1][-1] += data


def picture(seed: int, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(channels, 6, 6, generator=generator) * 2 - 1


def number(metric: str, value: float, **known: float) -> dict[str, object]:
    nothing = {"n": None, "low": None, "high": None, "spread": None}
    return {**nothing, "value": value, "metric": metric, **known}


@pytest.fixture
def report() -> Report:
    """Three numbers of two metrics, a metric left out, and three captions."""
    protocols = {
        "fid_768": {"seed": 0, "words": 'a < b & "c"', "hash": "ab12cd34" * 8},
        "manifold": {"seed": 0, "neighbours": [3, 5], "hash": "98765432" * 8},
    }
    return Report(
        model={
            "source": "runs/<today>/last.ckpt",
            "weights_sha256": "fedcba98" * 8,
            "parameters": 1234567,
            "images_seen": 420000,
        },
        data={"class": "Mine", "split": "test", "fingerprint": "0011223344556677", "pictures": 9},
        numbers={
            "fid_768": number("fid_768", 12.34567, n=1000, spread=0.04321),
            "manifold/precision": number("manifold", 0.71254, n=900, low=0.61111, high=0.81111),
            "manifold/recall": number("manifold", 0.000123456),
        },
        protocols=protocols,
        skipped={"fid": "needs <all> of the weights"},
        shown=[
            Shown('<script>alert("1 & 2")</script>', picture(0), torch.stack([picture(1)] * 2)),
            Shown("gray", picture(2, 1), picture(3, 1)[None]),
            Shown("clear", None, picture(4, 4)[None]),
        ],
        images={"Closest <pairs>": Image.new("RGB", (300, 40), "red")},
        histograms={"Distance & more": {"draws": torch.arange(9.0), "real": torch.ones(5)}},
    )


def decoded(uri: str) -> Image.Image:
    head, _, data = uri.partition(",")
    assert head == "data:image/png;base64"
    image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    image.load()
    assert image.format == "PNG"
    return image


def test_the_page_asks_for_nothing_and_runs_nothing(report):
    text = page(report)
    found = Page(text)
    assert found.asked
    for address in found.asked:
        assert re.match(r"data:image/png;base64,|#", address), address
    assert not {"script", "link", "iframe", "object", "base"} & found.tags
    assert not re.search(r"url\(|@import|\son\w+=|https?:", text)


def test_every_string_is_escaped(report):
    text = page(report)
    assert '<script>alert("1' not in text
    assert html.escape('<script>alert("1 & 2")</script>') in text
    for said in ("<today>", "<all>", "<pairs>", "< b &"):
        assert said not in text
        assert said in Page(text).text


def test_the_table_has_every_number_and_what_it_rests_on(report):
    rows = {row[0]: row[1:] for row in Page(page(report)).cells}
    assert rows["number"] == ["value", "95\xa0% interval", "spread", "n", "protocol"]
    assert rows["fid_768"] == ["12.35", "", "0.04321", "1,000", "ab12cd34"]
    precision = ["0.7125", "0.6111 to 0.8111", "", "900", "98765432"]
    assert rows["manifold/precision"] == precision
    assert rows["manifold/recall"] == ["0.0001235", "", "", "", "98765432"]


def test_numbers_of_one_metric_stand_together(report):
    body = re.findall(r"<tbody>(.*?)</tbody>", page(report), re.DOTALL)[:2]
    assert [part.count("<tr>") for part in body] == [1, 2]


def test_the_model_and_what_was_left_out_are_named(report):
    said = Page(page(report)).text
    for fact in ("runs/<today>/last.ckpt", "1,234,567", "420,000", "fedcba98", "00112233"):
        assert fact in said
    assert "needs <all> of the weights" in said


def test_each_hash_leads_to_its_whole_protocol(report):
    text = page(report)
    found = Page(text)
    targets = [address[1:] for address in found.asked if address.startswith("#")]
    assert targets == ["protocol-1", "protocol-2", "protocol-2"]
    assert found.ids == ["protocol-1", "protocol-2"]
    shown = [html.unescape(part) for part in re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)]
    for protocol, said in zip(report.protocols.values(), shown, strict=True):
        assert {**json.loads(said), "hash": protocol["hash"]} == protocol
        assert f"sha256 {protocol['hash']}" in found.text


def test_a_caption_is_followed_by_the_real_image_and_its_draws(report):
    images = Page(page(report)).images[:6]
    said = html.unescape('<script>alert("1 & 2")</script>')
    expected = [
        (f"real image: {said}", picture(0)),
        (f"sample 1: {said}", picture(1)),
        (f"sample 2: {said}", picture(1)),
        ("real image: gray", picture(2, 1)),
        ("sample 1: gray", picture(3, 1)),
        ("sample 1: clear", picture(4, 4)),
    ]
    assert [image["alt"] for image in images] == [alt for alt, _ in expected]
    for image, (_, pixels) in zip(images, expected, strict=True):
        shown, wanted = decoded(image["src"]), to_pil(pixels)
        assert (shown.mode, shown.tobytes()) == (wanted.mode, wanted.tobytes())
        assert image["class"] == "pixels"


def test_real_images_have_a_frame_and_a_heading(report):
    text = page(report)
    assert ["caption", "real", "sample 1", "sample 2"] in Page(text).cells
    assert text.count('<td class="real"><img') == 2
    assert re.search(r"\.real img \{ outline", text)
    assert "image-rendering: pixelated" in text


def test_without_real_images_there_is_no_column_for_them(report):
    report.shown = report.shown[2:]
    assert ["caption", "sample 1"] in Page(page(report)).cells


def test_large_images_are_not_called_pixels(report):
    report.shown = [Shown("large", None, torch.zeros(1, 3, 128, 128))]
    assert "class" not in Page(page(report)).images[0]


def test_every_image_is_a_png_and_says_what_it_is(report):
    found = Page(page(report))
    uris = [address for address in found.asked if not address.startswith("#")]
    assert len([decoded(uri) for uri in uris]) == 6 + 1 + 2  # a histogram by day and by night
    assert all(image["alt"] for image in found.images)
    assert decoded(found.images[6]["src"]).size == (300, 40)
    assert found.images[7]["alt"] == "Distance & more: draws, median 4; real, median 1"


def test_an_evaluation_of_nothing_is_a_page_too():
    model = {"source": None, "weights_sha256": "ab" * 32, "parameters": 1, "images_seen": 0}
    text = page(Report(model, {}, {}, {}, {"fid": "no weights"}))
    assert "no weights" in Page(text).text
    assert "<table" not in text


def test_saving_writes_the_numbers_and_the_page(report, tmp_path):
    written = save(report, tmp_path / "new")
    assert written == (tmp_path / "new/evaluation.json", tmp_path / "new/evaluation.html")
    assert {*(tmp_path / "new").iterdir()} == {*written}
    assert read(written[0])["numbers"] == report.numbers
    assert written[1].read_text(encoding="utf-8") == page(report)
    assert isinstance(written[0], Path)


def test_a_histogram_has_a_colour_for_each_series_and_ink_for_its_page():
    values = {"draws": torch.arange(100.0), "real": torch.arange(50.0)}
    for dark, colours in ((False, ("#2b65c7", "#d9822b")), (True, ("#86adff", "#f0a868"))):
        image = histogram_figure("Distance", values, dark=dark).convert("RGBA")
        assert image.getpixel((0, 0))[3] == 0
        known = {pixel[:3] for _, pixel in image.getcolors(image.width * image.height)}
        for colour in colours:
            assert tuple(bytes.fromhex(colour[1:])) in known


@pytest.mark.parametrize("values", [torch.zeros(0), torch.tensor([1.0, float("nan")])])
def test_a_histogram_of_nothing_or_of_no_numbers_is_refused(values):
    with pytest.raises(ValueError, match="Distance: draws must be finite values, at least one"):
        histogram_figure("Distance", {"draws": values})
