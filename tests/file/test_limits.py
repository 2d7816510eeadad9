"""The limits of untrusted structured files."""

import time

import pytest
import yaml

from textgan.cli.main import main
from textgan.file.limits import Limits, parse_yaml, read_json, read_yaml, walk


def doubling(merge: bool) -> str:
    """Each line holds nine times the one before, by aliases or by merges."""
    first = "a: &a {x: 1}" if merge else "a: &a [x, x, x, x, x, x, x, x, x]"
    lines = [first]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        nine = ", ".join([f"*{before}"] * 9)
        lines.append(f"{name}: &{name} " + (f"{{<<: [{nine}]}}" if merge else f"[{nine}]"))
    return "\n".join(lines)


BOMBS = [
    (doubling(False), "must hold at most"),
    (doubling(True), "must hold at most"),
    ("a: &a [*a]", "must not have an alias without an anchor, or inside its own anchor"),
    ("a: " + "[" * 100 + "]" * 100, "be nested at most 32 deep"),
    ("[" * 90_000, "nested at most 32 deep|not valid YAML"),
    ("a: *nothing", "must not have an alias without an anchor"),
    ("a: [", "is not valid YAML"),
    ("!!python/object/apply:os.system [id]", "is not valid YAML"),
    ("d: 2020-99-99", "is not valid YAML"),
]


@pytest.mark.parametrize(("text", "said"), BOMBS, ids=lambda value: value[:30])
def test_a_yaml_text_that_unfolds_into_too_much_is_not_unfolded(text, said):
    started = time.process_time()
    with pytest.raises(ValueError, match=said) as caught:
        parse_yaml(text, "run.yaml")
    assert len(str(caught.value).splitlines()) == 1
    assert time.process_time() - started < 10


@pytest.mark.parametrize(("text", "said"), BOMBS[:5], ids=lambda value: value[:30])
def test_a_file_given_by_config_is_bounded(text, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(text)
    for option in ("--config=run.yaml", "--data=run.yaml"):
        words = [option] if "config" in option else ["--config=run.yaml", option]
        assert main(["fit", *words]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("textgan: --config: run.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_aliases_and_merges_of_a_real_file_are_read():
    text = "a: &a {x: 1, y: [1, 2]}\nb: {<<: *a, x: 3}\nc: [*a, *a]\nd: &d 5\ne: *d\n"
    assert parse_yaml(text, "it") == yaml.safe_load(text)
    with pytest.raises(ValueError, match="it must hold at most 12 values, got more"):
        parse_yaml(text, "it", Limits(values=12))


def test_a_file_that_is_too_long_is_not_read(tmp_path):
    file = tmp_path / "file"
    with file.open("wb") as stream:
        stream.truncate(2**40)  # of zeros, without a block on the disk
    for read in (read_yaml, read_json):
        with pytest.raises(ValueError, match=r"must have at most .* bytes, got more"):
            read(file)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([[[[]]]], r"be nested at most 2 deep, got more in it\[0\]\[0\]\[0\]"),
        ([0] * 10, "hold at most 9 values"),
        ({"a": "x" * 20}, "hold at most 20 characters, got more in it.a"),
        ({"k" * 21: 0}, "hold at most 20 characters"),
        ([101], r"whole numbers of at most 100, got it\[0\] = 101"),
        ([10**5000], r"got it\[0\] = one of 16,610 bits"),
        ({"a": float("inf")}, "finite numbers, got it.a = inf"),
        ({1: 2}, "strings as keys, got 1"),
        ({"a": b"x"}, "hold only numbers, strings, lists and dicts, got bytes as it.a"),
    ],
)
def test_each_limit_is_named_with_its_place(value, said):
    limits = Limits(depth=2, values=9, characters=20, largest=100)
    with pytest.raises(ValueError, match=said):
        list(walk(value, "config.json", name="it", limits=limits))


def test_what_is_shared_counts_wherever_it_is():
    inside = [1, 2]
    assert len([*walk([inside, inside], "it", name="it")]) == 7
    for _ in range(40):
        inside = [inside, inside]
    with pytest.raises(ValueError, match="must be nested at most 32 deep"):
        list(walk(inside, "it", name="it"))
    with pytest.raises(ValueError, match="must hold at most 1,000 values"):
        list(walk(inside, "it", name="it", limits=Limits(depth=100, values=1000)))
