from textgan.run.converter import find_links, list_names, to_hydra, to_lightning

HYDRA = {
    "seed_everything": 3,
    "model": {
        "_target_": "a.Model",
        "generator": {"_target_": "a.Generator", "width": 8},
        "losses": {"one": {"_target_": "a.One"}, "two": {"_target_": "a.Two", "weight": [1, 2]}},
    },
    "trainer": {
        "devices": 2,
        "callbacks": {"bar": {"_target_": "a.Bar"}, "grid": {"_target_": "a.Grid", "n": 1}},
        "logger": {"csv": {"_target_": "a.Csv"}},
    },
}


def test_targets_become_class_paths_and_named_entries_a_list():
    converted = to_lightning(HYDRA)
    assert converted["model"] == {
        "class_path": "a.Model",
        "init_args": {
            "generator": {"class_path": "a.Generator", "init_args": {"width": 8}},
            "losses": {
                "one": {"class_path": "a.One"},
                "two": {"class_path": "a.Two", "init_args": {"weight": [1, 2]}},
            },
        },
    }
    assert converted["trainer"]["callbacks"] == [
        {"class_path": "a.Bar"},
        {"class_path": "a.Grid", "init_args": {"n": 1}},
    ]


def test_the_way_back_gives_what_one_came_from():
    assert to_hydra(to_lightning(HYDRA), list_names(HYDRA)) == HYDRA


def test_lightnings_own_ways_to_name_a_logger_stay():
    for logger in (False, None, {"_target_": "a.Csv"}, [{"_target_": "a.Csv"}]):
        converted = to_lightning({"trainer": {"logger": logger}})["trainer"]["logger"]
        assert to_hydra({"trainer": {"logger": converted}}, {})["trainer"]["logger"] == logger


def test_an_entry_that_is_null_is_left_out():
    config = {"trainer": {"callbacks": {"bar": None, "grid": {"_target_": "a.Grid"}}}}
    assert to_lightning(config)["trainer"]["callbacks"] == [{"class_path": "a.Grid"}]
    assert list_names(config) == {"callbacks": ["grid"]}


def test_partial_is_hydras_alone():
    config = {"optimizer": {"_target_": "a.Adam", "_partial_": True, "lr": 0.1}}
    assert to_lightning(config)["optimizer"] == {"class_path": "a.Adam", "init_args": {"lr": 0.1}}


def test_links_are_found_by_their_path():
    config = {"model": {"seed": "${seed}", "losses": {"a": {"b": "${f:${c}}", "d": "plain"}}}}
    assert find_links(config) == {"model.seed": "${seed}", "model.losses.a.b": "${f:${c}}"}
