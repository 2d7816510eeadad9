import importlib

from textgan.checkpoint.upgrade import _MOVED, renamed


def test_every_class_that_moved_is_where_it_is_said_to_be():
    for old, new in _MOVED.items():
        module, _, name = new.rpartition(".")
        assert hasattr(importlib.import_module(module), name)
        assert old.rpartition(".")[2] == name


def test_names_are_replaced_wherever_they_stand():
    old, new = next(iter(_MOVED.items()))
    config = {"metrics": [{"_target_": old, "init_args": {"class_path": old, "name": old}}, 3]}
    changed = {"_target_": new, "init_args": {"class_path": new, "name": old}}
    assert renamed(config) == {"metrics": [changed, 3]}
    assert config["metrics"][0]["_target_"] == old
