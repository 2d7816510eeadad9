"""Captions and labels may begin with a dash; paths may begin with a home folder."""

from pathlib import Path

import pytest

from textgan.command._parser import Parser
from textgan.errors import ConfigError


@pytest.fixture
def parser() -> Parser:
    parser = Parser("textgan draw")
    parser.add_argument("captions", nargs="+")
    parser.add_argument("--to")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--same_noise", action="store_true")
    return parser


@pytest.mark.parametrize(
    ("words", "captions", "to"),
    [
        (["-red"], ["-red"], None),
        (["-"], ["-"], None),
        (["-1"], ["-1"], None),
        (["- a red circle", "--same_noise", "-b"], ["- a red circle", "-b"], None),
        (["--a red one"], ["--a red one"], None),
        (["-help me"], ["-help me"], None),
        (["a", "--to", "-blue"], ["a"], "-blue"),
        (["a", "--to=-blue", "--seed", "-3"], ["a"], "-blue"),
        (["--to", "--blue sky", "a"], ["a"], "--blue sky"),
        (["--seed", "3", "--", "--to", "-red"], ["--to", "-red"], None),
        (["a", "--same"], ["a"], None),
    ],
    ids=str,
)
def test_what_is_no_option_is_a_caption(words, captions, to, parser):
    found = parser.parse_args(words)
    assert (found.captions, found.to) == (captions, to)
    assert found.same_noise == any(word.startswith("--same") for word in words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "--sede", "3"], "no such option: '--sede'; did you mean '--seed'?"),
        (["a", "--to"], "--to needs a value"),
        (["a", "--to", "--seed", "3"], "--to needs a value"),
        (["a", "--seed", "three"], "invalid int value: 'three'"),
        ([], "required: captions"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence(words, said, parser):
    with pytest.raises(ConfigError, match="textgan draw --help") as error:
        parser.parse_args(words)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_caption_with_a_dash_is_drawn_into_the_home_folder(textgan, generative, monkeypatch):
    monkeypatch.setenv("HOME", str(Path("home").absolute()))
    words = ["sample", "-red", "--model", str(generative), "--number", "1"]
    status, _, err = textgan(*words, "--out=~/s.png")
    assert status == 0, err
    assert Path("home/s.png").is_file()
    assert not Path("~").exists()
    status, _, err = textgan(*words[:4], "--to", "-blue", "--frames", "2", "--out=~nobody_here.gif")
    assert status == 0, err
    assert Path("~nobody_here.gif").is_file(), "without such a user it is a name"


def test_labels_and_a_text_to_search_for_may_begin_with_a_dash(textgan, contrastive, tmp_path):
    from PIL import Image

    image_files = tmp_path / "image_files"
    image_files.mkdir()
    Image.new("RGB", (16, 16), "red").save(image_files / "-a.png")
    status, out, err = textgan("search", "image_files", "-red", "--model", str(contrastive))
    assert (status, "-a.png" in out) == (0, True), err
    status, out, err = textgan(
        "classify", "image_files/-a.png", "--labels", "-red,- blue", "--model", str(contrastive)
    )
    assert status == 0, err
    assert {"-red", "- blue"} <= {line.split("  ")[-1] for line in out.splitlines()}
