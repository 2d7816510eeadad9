import pytest

from textgan.app.examples import examples

CARD = """---
license: mit
widget:
  - text: a red circle
  - text: "  a blue: square "
  - text: 5
  - src: image.png
  - text: ""
---
# A model
"""


def test_examples_stand_at_the_head_of_the_pipelines_card(tmp_path):
    folder = tmp_path / "pipeline"
    folder.mkdir()
    assert examples(folder) == []
    (folder / "README.md").write_text(CARD)
    assert examples(folder) == ["a red circle", "a blue: square"]
    assert examples(tmp_path / "last.ckpt") == ["a red circle", "a blue: square"]


def test_only_the_first_six_are_taken(tmp_path):
    widgets = "".join(f"  - text: {letter}\n" for letter in "abcdefghi")
    (tmp_path / "README.md").write_text(f"---\nwidget:\n{widgets}---\n")
    assert examples(tmp_path) == list("abcdef")


@pytest.mark.parametrize(
    "text", ["# no head\n", "---\nlicense: mit\n---\n", "---\nwidget: 5\n---\n", "---\n[1]\n---\n"]
)
def test_a_card_may_offer_none(tmp_path, text):
    (tmp_path / "README.md").write_text(text)
    assert examples(tmp_path) == []


@pytest.mark.parametrize("head", ["widget: [", "d: 2020-99-99", "[" * 5000])
def test_a_broken_card_is_named(tmp_path, head):
    (tmp_path / "README.md").write_text(f"---\n{head}\n---\n")
    with pytest.raises(ValueError, match=r"README\.md must begin with valid YAML"):
        examples(tmp_path)
