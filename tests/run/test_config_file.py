"""run.yaml gives LightningCLI the very values that were composed."""

from types import SimpleNamespace

import pytest
from jsonargparse import ArgumentParser

from textgan.run.config_file import with_texts, write_yaml

TEXTS = ["1e5", "1.5", ".5", "007", "1_000", "12:30", "0x1f", "2026-11-28", "-.inf", "1.", "+3"]
TEXTS += ["true", "no", "Null", "~", "", "a: b", "- a", "# a", "ünï", "it's", "${x}", " a ", "\t"]


class Holder:
    """A class with a text, as LightningCLI builds many."""

    def __init__(self, text: str, number: float = 0.0):
        self.text, self.number = text, number


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_as_that_text(text, tmp_path):
    given = {"class_path": f"{__name__}.Holder", "init_args": {"text": text, "number": 1e-7}}
    write_yaml(tmp_path / "run.yaml", {"holder": given})
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_subclass_arguments(Holder, "holder")
    parsed = parser.parse_args(["--config", str(tmp_path / "run.yaml")])
    assert parsed.holder.init_args.text == text
    assert parsed.holder.init_args.number == 1e-7


def test_texts_that_were_dumped_as_numbers_are_texts_again():
    parsed = SimpleNamespace(a="1e5", b=2, c=["7", 8], d={"e": "007"}, f=SimpleNamespace(g=None))
    dumped = {"a": 100000.0, "b": 2, "c": [7, 8], "d": {"e": 7}, "f": {"g": None}}
    expected = {"a": "1e5", "b": 2, "c": ["7", 8], "d": {"e": "007"}, "f": {"g": None}}
    assert with_texts(dumped, parsed) == expected
