"""The command line knows a pipeline by what it declares, not by its class."""

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def saved(gray) -> list[str]:
    """Options that name a pipeline without options, in a folder."""
    gray.Gray().save_pretrained("plain")
    gray.Stepped().save_pretrained("stepped")
    return ["--model", "plain", "--trust", "gray"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_pipeline_without_options_is_drawn_saved_and_reranked(textgan, saved, contrastive):
    words = ["sample", "a star", "--number", "2", *saved]
    for more in ([], ["--rerank", str(contrastive)]):
        status, out, err = textgan(*words, *more)
        assert status == 0, err
        assert Image.open(out.strip()).width == 2 * (128 + 8) + 8
    status, out, err = textgan("save", "plain", "again", "--trust", "gray")
    assert status == 0, err
    assert out == 'next: textgan sample "a caption" --model again\n'


def test_an_option_that_a_pipeline_declares_is_one_of_the_command(textgan, saved):
    for steps in ("1", "9"):
        words = ["--model", "stepped", "--trust", "gray", "--number", "1", "--out", f"{steps}.png"]
        status, _, err = textgan("sample", "a star", *words, "--steps", steps)
        assert status == 0, err
    assert Path("1.png").read_bytes() != Path("9.png").read_bytes()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["sample", "a", "--truncation", "0.5"],
            "no such option: '--truncation'; this Gray has no options of its own",
        ),
        (["sample", "a", "--sede", "1"], "has no options of its own; did you mean '--seed'?"),
        (["sample", "a", "--to", "b"], "Gray; a model that interpolates between two captions is"),
        (["sample", "a", "--attention"], "Gray; a model that shows the attention to each word is"),
        (
            ["export", "folder"],
            "plain holds a Gray; a model that can be exported as one graph is trained by",
        ),
        (["search", ".", "a star"], "plain holds a Gray; a model that compares images with texts"),
        (["edit", "gray.png", "a"], "plain holds a Gray; a model that draws an image anew is"),
    ],
)
def test_what_a_pipeline_lacks_is_a_sentence(refused, saved, words, sentence):
    Image.new("L", (8, 8)).save("gray.png")
    assert sentence in refused(*words, *saved)


def test_a_value_of_a_wrong_kind_is_a_sentence(refused, saved):
    words = ["sample", "a", "--model", "stepped", "--trust", "gray"]
    for option, sentence in (
        (["--steps", "1.5"], "--steps must be a whole number, got '1.5'"),
        (["--step"], "--step needs a value"),
        (["--truncation", "1"], "'--truncation'; this Stepped has --steps"),
    ):
        assert sentence in refused(*words, *option)
