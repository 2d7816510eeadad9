import importlib

import pytest

from textgan.file.renamed import _MOVED, renamed


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


BERT = "textgan.text_encoder.bert.BertTextEncoder"
PRETRAINED = "textgan.text_encoder.pretrained.PretrainedTextEncoder"
EVERYTHING = {
    **{"width": 8, "hidden_width": None, "depth": 2, "num_heads": 4, "vocab_size": 512},
    **{"max_length": 24, "lowercase": True, "dropout": 0.1, "pretrained": None},
    **{"frozen": False, "architecture": None, "cache_megabytes": 7},
}
BOTH = {"width": 8, "max_length": 24}


@pytest.mark.parametrize(
    ("said", "name", "left"),
    [
        (
            {},
            BERT,
            {
                **{**BOTH, "hidden_width": None, "depth": 2, "num_heads": 4},
                **{"vocab_size": 512, "lowercase": True, "dropout": 0.1},
            },
        ),
        (
            {"pretrained": "mine", "frozen": True},
            PRETRAINED,
            {
                **{**BOTH, "pretrained": "mine", "architecture": None},
                **{"frozen": True, "cache_megabytes": 7, "dropout": 0.0},
            },
        ),
        (
            {"architecture": {"model_type": "bert"}},
            PRETRAINED,
            {
                **{**BOTH, "pretrained": None, "architecture": {"model_type": "bert"}},
                **{"frozen": False, "cache_megabytes": 7, "dropout": 0.1},
            },
        ),
    ],
)
def test_one_text_encoder_of_earlier_releases_is_two_now(said, name, left):
    config = {"_target_": BERT, **EVERYTHING, **said}
    assert renamed([config]) == [{"_target_": name, **left}]
    assert renamed(renamed(config)) == renamed(config)
    lightning = {"class_path": BERT, "init_args": EVERYTHING | said}
    assert renamed(lightning) == {"class_path": name, "init_args": left}
