"""What is typed for a path or a caption is what the configuration gets."""

import random
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from textgan.composition.setting import kind_of
from textgan.composition.text import as_meant, plain, read

NAMES = [
    *("ünï", "图片", "картинки", "e\u0301", "😀"),  # letters
    *(
        "my pictures",
        " leading and trailing ",
        "a\tb",
        "a=b",
        "a#b",
        "#",
        "a{b}",
        "{a}",
        "[a]",
        "a[b",
    ),
    *(
        "it's",
        'say "no"',
        "'a' and 'b'",
        '"a", "b"',
        "wow!",
        "a~b",
        "b~",
        "~~",
        "a&b",
        "a (1)",
        "(1)",
    ),
    *("a,b", "a, b", "a$b", "$HOME", "a;b|c", "*", "%d", "@a", "a?", "<a>", "`a`", "++a", "-red"),
    *("1e5", "1_000", "007", "0x10", "12:30", "2026-11-28", "inf", "NaN"),  # like numbers
    *("true", "False", "yes", "null", "Null", "a:b", "a: b", "- a"),  # like YAML
    *("a\\b", "C:\\pictures\\new", "a\\", "a\\'b", "a\\(b\\)"),
    *("choice(a,b)", "glob(*)", "${", "a${b c}d"),  # like Hydra's grammar
]
TEXT, TEXT_OR_NULL = kind_of(str | Path), kind_of(str | None)


def random_names(number: int) -> list[str]:
    draw = random.Random(0)
    signs = "aé中 '\"\\,=#{}[]()$:~!&|;%@?*+-.0e19_/nul"
    names = ("".join(draw.choices(signs, k=draw.randint(1, 12))) for _ in range(number))
    quoted = ("'", '"')
    return [n for n in names if not (n[0] in quoted and n[-1] == n[0]) and not n.startswith("~")]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_the_name_that_was_typed(name):
    for kind in (TEXT, kind_of(str), *([] if name.lower() == "null" else [TEXT_OR_NULL])):
        meant = as_meant("data.root", name, kind, sweep=False)
        assert unlinked(read(f"data.root={meant}").value()) == name


def unlinked(text: str) -> str:
    """What OmegaConf makes of it."""
    return OmegaConf.create({"x": text}).x


def test_random_names_are_the_names_that_were_typed():
    names = random_names(100)
    assert len(names) > 70
    for name in names:
        meant = as_meant("data.root", name, TEXT, sweep=False)
        assert unlinked(plain(meant)) == name
        assert as_meant("data.root", meant, TEXT, sweep=False) == meant


@pytest.mark.parametrize("name", ["1e5", "it's {ü}, b=c #1 (x) & y!"])
def test_both_grammars_give_a_name_to_every_kind_of_path(name, composed):
    settings = ["data.root", "data.exclude", "data.captions_file", "captions_file"]
    by_hydra = composed("fit", "data=folder", *(f"{key}={name}" for key in settings))
    assert by_hydra["captions_file"] == name
    assert [by_hydra["data"][key] for key in ("root", "exclude", "captions_file")] == [name] * 3
    options = [word for key in settings for word in (f"--{key}", name)]
    assert composed("fit", "--data", "folder", *options) == by_hydra


def test_null_is_no_file_where_one_may_be_left_out_and_a_name_in_quotes(composed):
    config = composed(
        "fit", "data=folder", "data.root=null", "data.exclude=null", "captions_file='null'"
    )
    assert config["data"]["root"] == "null"
    assert config["captions_file"] == "./null"
    assert config["data"]["exclude"] is None


def test_links_stay_links_and_a_backslash_makes_them_a_name(composed):
    words = ["data=folder", "data.root=ü/${seed}", "captions_file=\\${seed}", "seed=7"]
    config = composed("fit", *words)
    assert config["data"]["root"] == "ü/7"
    assert config["captions_file"] == "${seed}"


@pytest.mark.parametrize(
    ("typed", "jobs"),
    [
        ("a,b", ["a", "b"]),
        ("ü,1e5,null", ["ü", "1e5", "null"]),
        ("'a,b',\"c, d\",it's", ["a,b", "c, d", "it's"]),
        ("choice(a,b)", ["a", "b"]),
        ("${now:%Y,%m},b", ["${now:%Y,%m}", "b"]),
    ],
)
def test_a_sweep_goes_over_what_stands_between_commas(typed, jobs):
    meant = read(f"data.root={as_meant('data.root', typed, TEXT, sweep=True)}")
    assert meant.is_sweep_override()
    values = [getattr(value, "text", value) for value in meant._value.list]
    assert values == jobs


def test_numbers_lists_and_dicts_keep_their_grammar(composed):
    config = composed(
        "fit",
        "image_size=32",
        "model.discriminator_start=1e-1",
        "model.generator.word_resolutions=[8,16]",
        "data.colours=[rot,grün]",
        "+trainer.plugins={name: ünï}",
        "trainer.devices=2",
    )
    assert config["image_size"] == 32
    assert config["model"]["discriminator_start"] == 0.1
    assert config["model"]["generator"]["word_resolutions"] == [8, 16]
    assert config["data"]["colours"] == ["rot", "grün"]
    assert config["trainer"]["plugins"] == {"name": "ünï"}
    assert config["trainer"]["devices"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dätä.root=x"], "no such setting or group: 'dätä.root'"),
        (["imäge_size=3"], "did you mean 'image_size'?"),
        (["data=földer"], "no data called 'földer'; did you mean 'folder'?"),
        (["loss=[kl,grün]"], "no loss called 'grün'"),
        (["-m", "loss=[kl],[rpgan,grün]"], "no loss called 'grün'"),
        (["loss=[kl,r1r3]"], "no loss called 'r1r3'; did you mean 'r1r2'?"),
        (["data.colours=[a,{b"], "data.colours=[a,{b cannot be read"),
        (["-m", "model.seed=range(1,x)"], "model.seed=range(1,x) cannot be read"),
    ],
    ids=str,
)
def test_what_nobody_can_read_is_one_sentence(words, said, refused):
    assert said in refused("fit", *words)
