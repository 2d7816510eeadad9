import pytest

from textgan.app.examples import examples

CARD = """---
license: mit
widget:
  - text: a red circle
  - text: "a blue: square"
  - src: picture.png
---
# A model
"""


def test_examples_lie_in_the_pipelines_folder(tmp_path):
    folder = tmp_path / "pipeline"
    folder.mkdir()
    assert examples(folder) == []
    (folder / "examples.txt").write_text("a red circle\n\n  一只猫 \n", encoding="utf-8")
    assert examples(folder) == ["a red circle", "一只猫"]
    assert examples(tmp_path / "last.ckpt") == ["a red circle", "一只猫"]


def test_only_the_first_six_are_taken(tmp_path):
    (tmp_path / "examples.txt").write_text("\n".join("abcdefghi"))
    assert examples(tmp_path) == list("abcdef")


def test_a_models_card_comes_first(tmp_path):
    (tmp_path / "examples.txt").write_text("a star")
    (tmp_path / "README.md").write_text("# A model without a head\n")
    assert examples(tmp_path) == ["a star"]
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# A model without examples\n")
    assert examples(tmp_path) == ["a star"]
    (tmp_path / "README.md").write_text(CARD)
    assert examples(tmp_path) == ["a red circle", "a blue: square"]


def test_a_broken_card_is_named(tmp_path):
    (tmp_path / "README.md").write_text("---\nwidget: [\n---\n")
    with pytest.raises(ValueError, match=r"README\.md must begin with valid YAML"):
        examples(tmp_path)
