"""`from_pretrained` loads what `save_pretrained` wrote; `test_hostile.py` has what it refuses."""

import copy
import errno
import importlib
import inspect
import json
import pickle
import sys
from pathlib import Path
from types import ModuleType

import jsonargparse
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

import textgan
from textgan.pretrained.part import Part, build


class Inner(Part):
    """A linear map.

    Args:
        width: features in and out.
        scale: factor on them.
    """

    def __init__(self, width: int = 3, *, scale: float = 1.0) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.scale = scale

    def forward(self, features):
        return self.linear(features) * self.scale


class Outer(Inner):
    """Another Inner inside, and one more size."""

    def __init__(self, inner: Inner | None = None, sizes: list[int] | None = None) -> None:
        super().__init__(5, scale=2.0)
        self.inner = inner
        self.tied = self.linear
        self.sizes = sizes


class Remembering(Part):
    """Keeps bytes in its state, and records other arguments than it was given."""

    def __init__(self, source: str | None = None, text: str = "") -> None:
        super().__init__()
        self.text = text if source is None else source.upper()

    def saved_arguments(self):
        return super().saved_arguments() | {"source": None, "text": self.text}

    def get_extra_state(self):
        return torch.tensor(list(self.text.encode()), dtype=torch.uint8)

    def set_extra_state(self, state):
        self.text = bytes(state.tolist()).decode()


class Several(Part):
    """Parts in a list, under the name of the argument.

    Args:
        parts: of any width.
    """

    def __init__(self, parts: list[Inner]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)


@pytest.fixture(autouse=True)
def parts_inside_textgan(monkeypatch):
    """The classes above pass for classes of `textgan.probe`."""
    module = ModuleType("textgan.probe")
    for cls in (Inner, Outer, Remembering, Several):
        setattr(module, cls.__name__, cls)
        monkeypatch.setattr(cls, "__module__", module.__name__)
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture
def folder(tmp_path):
    Inner(4).save_pretrained(tmp_path)
    return tmp_path


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    state, expected = one.state_dict(), other.state_dict()
    names = state.keys() == expected.keys()
    return names and all(torch.equal(state[name], expected[name]) for name in state)


def test_config_holds_all_arguments_of_the_outermost_constructor():
    inner = {"_target_": "textgan.probe.Inner", "width": 2, "scale": 0.5}
    assert Inner(2, scale=0.5).config() == inner
    outer = Outer(Inner(2, scale=0.5), sizes=(1, 2))
    assert outer.config() == {"_target_": "textgan.probe.Outer", "inner": inner, "sizes": [1, 2]}
    assert Outer().config() == {"_target_": "textgan.probe.Outer", "inner": None, "sizes": None}
    json.dumps(outer.config(), allow_nan=False)


def test_config_does_not_follow_a_list_that_the_caller_changes_later():
    sizes = [1, 2]
    part = Outer(sizes=sizes)
    sizes.append(3)
    assert part.config()["sizes"] == [1, 2]


@pytest.mark.parametrize(
    "value", [object(), nn.Linear(1, 1), float("nan"), b"x", {1: 2}, {"_target_": "x"}]
)
def test_an_argument_that_json_cannot_hold_is_a_sentence(value):
    with pytest.raises(TypeError, match=r"Outer.sizes\[0\] must be a Part or fit for JSON"):
        Outer(sizes=[value]).config()


def test_signature_and_docstring_stay_visible():
    assert list(inspect.signature(Inner).parameters) == ["width", "scale"]
    assert "features in and out" in inspect.getdoc(Inner)
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--part", type=Inner)
    built = parser.instantiate(parser.parse_object({"part": {"class_path": "textgan.probe.Outer"}}))
    assert isinstance(built.part, Outer)
    assert built.part.config()["sizes"] is None


def test_jsonargparse_takes_from_pretrained_as_class_path(folder):
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--part", type=Inner)
    loader, path = "textgan.probe.Inner.from_pretrained", {"path": str(folder)}
    wanted = {"class_path": loader, "init_args": path}
    built = parser.instantiate(parser.parse_object({"part": wanted}))
    assert isinstance(built.part, Inner)
    assert built.part.config()["width"] == 4


def test_a_subclass_inherits_a_from_pretrained_that_its_base_overrides():
    class Base(Inner):
        @classmethod
        def from_pretrained(cls, path, doubled=False):
            return "doubled" if doubled else super().from_pretrained(path)

    class Child(Base):
        pass

    assert Child.from_pretrained("anything", doubled=True) == "doubled"
    assert inspect.signature(Child.from_pretrained).return_annotation is Child
    assert list(inspect.signature(Child.from_pretrained).parameters) == ["path", "doubled"]
    names = [*inspect.signature(Inner.from_pretrained).parameters]
    assert names == ["path", "part", "revision", "trust", "dtype"]


def test_a_constructor_that_does_not_name_its_arguments_is_refused():
    with pytest.raises(TypeError, match="must name every argument"):
        type("Open", (Part,), {"__init__": lambda self, **kwargs: None})


def test_build_makes_nested_parts():
    part = build(Outer(Inner(2), sizes=[7]).config())
    assert isinstance(part, Outer)
    assert part.inner.linear.in_features == 2
    assert part.sizes == [7]


@pytest.mark.parametrize(
    ("extra", "said"), [({"depth": 1}, "unexpected.*depth"), ({}, "missing.*inner")]
)
def test_build_names_arguments_that_are_unknown_or_missing(extra, said, monkeypatch):
    class Strict(Part):
        def __init__(self, inner: int) -> None:
            super().__init__()

    monkeypatch.setattr(Strict, "__module__", "textgan.probe")
    monkeypatch.setattr(sys.modules["textgan.probe"], "Strict", Strict, raising=False)
    config = {"_target_": "textgan.probe.Strict", **({"inner": 1} if extra else {}), **extra}
    with pytest.raises(ValueError, match=f"textgan.probe.Strict cannot be built: .*{said}"):
        build(config)


def test_what_was_saved_comes_back_equal(tmp_path):
    part = Outer(Inner(2, scale=3.0), sizes=[1])
    # not contiguous; tied to part.tied
    part.linear.weight = nn.Parameter(part.linear.weight.detach().t())
    part.save_pretrained(tmp_path / "new" / "folder")
    again = Part.from_pretrained(tmp_path / "new" / "folder")
    assert type(again) is Outer
    assert again.config() == part.config()
    assert not again.training
    assert again.tied is again.linear
    assert same_weights(again, part)


def test_extra_state_of_any_length_and_replaced_arguments_come_back(tmp_path):
    for part in (Remembering(), Remembering("gone later")):
        part.save_pretrained(tmp_path)
        again = Remembering.from_pretrained(str(tmp_path))
        assert again.text == part.text
        assert again.config()["source"] is None


def test_saving_over_a_folder_replaces_both_files_and_leaves_nothing_beside_them(folder):
    Inner(6).save_pretrained(folder)
    assert Inner.from_pretrained(folder).linear.in_features == 6
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_a_failed_save_leaves_the_old_files(folder, monkeypatch):
    whole = Path.write_bytes

    def broken(file, content):
        whole(file, content[:10])
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(Path, "write_bytes", broken)
    with pytest.raises(OSError, match="disk full"):
        Inner(6).save_pretrained(folder)
    assert Inner.from_pretrained(folder).linear.in_features == 4
    assert len(list(folder.iterdir())) == 2


def test_a_missing_folder_or_file_is_a_sentence(folder):
    with pytest.raises(FileNotFoundError, match="path must be a folder by save_pretrained, got"):
        Inner.from_pretrained(folder / "nowhere")
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no model.safetensors"):
        Inner.from_pretrained(folder)
    (folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no config.json"):
        Inner.from_pretrained(folder)


def test_a_folder_of_another_class_is_a_sentence(folder):
    with pytest.raises(ValueError, match="holds a Inner, which is not a Outer"):
        Outer.from_pretrained(folder)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    part = Inner()
    nn.init.constant_(part.linear.weight, float("inf"))
    with pytest.raises(ValueError, match="model must have finite weights"):
        part.save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.fixture
def nested(tmp_path):
    """Two Outer and an Inner, one inside the other, and what was saved."""
    whole = Outer(Outer(Inner(2, scale=0.5), sizes=[1]))
    whole.save_pretrained(tmp_path)
    return tmp_path, whole


def test_a_part_of_what_was_saved_comes_back_alone_and_equal(nested):
    folder, whole = nested
    for name, part in (("inner", whole.inner), ("inner.inner", whole.inner.inner)):
        again = Inner.from_pretrained(folder, part=name)
        assert type(again) is type(part)
        assert not again.training
        assert again.config() == part.config()
        assert same_weights(again, part)


def test_a_part_in_a_list_is_named_by_its_place(tmp_path):
    parts = [Inner(2), Inner(3)]
    Several(parts).save_pretrained(tmp_path)
    again = Inner.from_pretrained(tmp_path, part="parts.1")
    assert torch.equal(again.linear.weight, parts[1].linear.weight)


def test_a_loaded_part_can_be_saved_inside_another(nested, tmp_path):
    folder, whole = nested
    inner = Part.from_pretrained(folder, part="inner.inner")
    Outer(inner).save_pretrained(tmp_path / "other")
    again = Outer.from_pretrained(tmp_path / "other")
    assert again.config()["inner"] == whole.inner.inner.config()
    assert torch.equal(again.inner.linear.weight, whole.inner.inner.linear.weight)


@pytest.mark.parametrize("name", ["outer", "", "inner.", "linear", "inner.sizes", "sizes.0"])
def test_a_part_that_is_not_there_is_a_sentence_that_names_those_that_are(nested, name):
    said = f"part must be one of inner, inner.inner for .*, got {name!r}"
    with pytest.raises(ValueError, match=said):
        Inner.from_pretrained(nested[0], part=name)


def test_a_missing_part_and_one_of_another_class_are_sentences(nested, tmp_path):
    with pytest.raises(ValueError, match=r"a Inner as inner.inner, which is not a Outer"):
        Outer.from_pretrained(nested[0], part="inner.inner")
    Inner().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"part must be None for .*, got 'inner'"):
        Inner.from_pretrained(tmp_path, part="inner")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("inner.inner.linear.bias"), "it lacks inner.inner.linear.bias"),
        (lambda t: t.update({"inner.inner.x": torch.ones(1)}), "unexpected inner.inner.x"),
        (lambda t: t.update({"inner.inner.linear.bias": torch.ones(9)}), "differs in shape"),
        (lambda t: t["inner.inner.linear.bias"].fill_(torch.inf), "finite weights.*inner.inner"),
        (lambda t: t.pop("inner.linear.bias"), None),
        (lambda t: t["linear.bias"].fill_(torch.nan), None),
        (lambda t: t.update({"inner.innermost": torch.ones(1)}), None),
    ],
    ids=["lacks", "unexpected", "shape", "infinite", "beside", "above", "similar name"],
)
def test_only_the_tensors_of_the_part_must_fit(nested, change, said):
    file = nested[0] / "model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)
    if said is None:
        again = Inner.from_pretrained(nested[0], part="inner.inner")
        assert torch.equal(again.linear.weight, nested[1].inner.inner.linear.weight)
        return
    with pytest.raises(ValueError, match=said):
        Inner.from_pretrained(nested[0], part="inner.inner")


def test_a_module_that_loading_imports_has_its_tensors_in_memory(tmp_path, monkeypatch):
    (tmp_path / "late.py").write_text("""
import torch
from textgan.probe import Inner

TABLE = torch.ones(3)


class Late(Inner):
    pass
""")
    monkeypatch.setattr(textgan, "__path__", [*textgan.__path__, str(tmp_path)])
    Outer(importlib.import_module("textgan.late").Late()).save_pretrained(tmp_path / "folder")
    monkeypatch.delitem(sys.modules, "textgan.late")
    Outer.from_pretrained(tmp_path / "folder")
    late = sys.modules.pop("textgan.late")
    assert late.TABLE.device.type == "cpu"


def test_loading_draws_no_more_random_numbers_than_building(folder):
    torch.manual_seed(0)
    Inner(4)
    after = torch.rand(1)
    torch.manual_seed(0)
    Inner.from_pretrained(folder)
    assert torch.equal(torch.rand(1), after)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"width": "4"}, "width must be int, got '4'"),
        ({"width": True}, "width must be int, got True"),
        ({"scale": None}, "scale must be float, got None"),
    ],
)
def test_build_refuses_arguments_of_another_kind(arguments, said):
    with pytest.raises(ValueError, match=f"textgan.probe.Inner cannot be built: {said}"):
        build(Inner().config() | arguments)
    for config, kind in (({"inner": 3}, "Inner"), ({"sizes": [1, "2"]}, r"list\[int\]")):
        with pytest.raises(ValueError, match=rf"must be .*{kind} \| None, got "):
            build(Outer().config() | config)
    assert build(Inner().config() | {"scale": 2}).scale == 2
    assert build(Outer().config() | {"sizes": (1, 2)}).sizes == (1, 2)


def test_what_is_not_loaded_again_is_not_saved(tmp_path):
    def nested(depth: int) -> Outer:
        return Outer(nested(depth - 1)) if depth else Outer()

    for part, said in (
        (Inner(4, scale=2**21), "whole numbers of at most 1,048,576, got part.scale = 2097152"),
        (Outer(sizes=[0] * 200_000), "must have at most 1,000,000 bytes, got more"),
        (nested(33), "must be nested at most 32 deep"),
        (Remembering(text="a" * 32_000_001), "at most .* bytes"),
    ):
        with pytest.raises(ValueError, match=said):
            part.save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_copies_keep_their_config_and_their_own_parts():
    part = Outer(Inner(2))
    pickled = pickle.loads(pickle.dumps(part))
    for again in (copy.deepcopy(part), pickled, AveragedModel(part).module):
        assert again.config() == part.config()
        assert again.inner is not part.inner
        assert again.saved_arguments()["inner"] is again.inner
