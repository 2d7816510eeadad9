import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from textgan.comparison.compare import compare
from textgan.comparison.replicates import replicates

Numbers = dict[str, float | dict[str, Any]]


def evaluation(numbers: Numbers, *, weights: str = "aa", seed: int = 0) -> dict[str, Any]:
    """What `textgan test` writes; a number is its value, or its entry."""
    entries = {}
    for name, given in numbers.items():
        known = given if isinstance(given, dict) else {"value": given}
        nothing = {"n": 100, "low": None, "high": None, "spread": None}
        entries[name] = {**nothing, **known, "metric": name.split("/")[0]}
    data = {"class": "Mine", "split": "test", "fingerprint": "ab" * 8, "pictures": 100}
    protocols = {
        entry["metric"]: {
            "metric": entry["metric"],
            "extractor": {"network": "inception", "features": [64, 768]},
            "data": dict(data),
            "seed": seed,
            "hash": f"{seed}",
        }
        for entry in entries.values()
    }
    return {
        "format_version": 1,
        "model": {"source": "x", "weights_sha256": weights * 32, "images_seen": 640},
        "data": data,
        "numbers": entries,
        "protocols": protocols,
        "skipped": {},
    }


def write(path: str, content: dict[str, Any] | str) -> str:
    file = Path(path) / "evaluation.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def model(path: str, *values: float, number: str = "fid", weights: str = "aa") -> str:
    """An evaluation for each value, with the seeds 0, 1, 2 ..."""
    for seed, value in enumerate(values):
        write(f"{path}/{seed}", evaluation({number: value}, weights=weights, seed=seed))
    return path


def rows(out: str) -> list[list[str]]:
    """The cells of the table."""
    table = out.split("\n\n")[1]
    return [re.split(r"\s{2,}", line.strip()) for line in table.splitlines()]


def test_means_and_deviations_over_seeds_and_the_difference_are_as_by_hand(textgan):
    one = model("one", 10.0, 12.0, 14.0)  # deviation 2
    two = model("two", 4.0, 5.0, 6.0, weights="bb")  # deviation 1, and 2 * sqrt(5) is 4.472
    status, out, err = textgan("compare", one, two)
    assert status == 0, err
    assert rows(out) == [
        ["number", "model", "mean", "+-", "n", "against A", "verdict"],
        ["fid", "A", "12.00", "2.000", "100"],
        ["B", "5.000", "1.000", "100", "-7.000", "B better, larger than the spread over seeds"],
    ]
    assert "A  one: weights aaaaaaaa, 640 images seen, seeds 0, 1, 2\n" in out
    assert "B  two: weights bbbbbbbb, 640 images seen, seeds 0, 1, 2\n" in out


@pytest.mark.parametrize(("shift", "said"), [(4.48, "larger"), (4.46, "not larger")])
def test_a_difference_counts_from_twice_both_deviations_on(textgan, shift, said):
    one, two = model("one", 10.0, 12.0, 14.0), model("two", 11 + shift, 12 + shift, 13 + shift)
    _, out, _ = textgan("compare", one, two)
    assert rows(out)[2][-1] == f"A better, {said} than the spread over seeds"


def test_intervals_decide_where_there_is_one_seed(textgan):
    def between(value: float, low: float, high: float) -> Numbers:
        return {"manifold/recall": {"value": value, "low": low, "high": high}}

    one = write("one", evaluation(between(0.5, 0.4, 0.6)))
    two = write("two", evaluation(between(0.65, 0.6, 0.7)))
    three = write("three", evaluation(between(0.3, 0.2, 0.39)))
    _, out, _ = textgan("compare", one, two, three)
    (_, first, second, third) = rows(out)
    assert first[3] == "0.4000 to 0.6000"
    assert second[-2:] == ["+0.1500", "B better, intervals overlap"]
    assert third[-2:] == ["-0.2000", "A better, intervals do not overlap"]


def test_without_seeds_and_intervals_no_spread_is_known(textgan):
    _, out, _ = textgan("compare", model("one", 2.0), model("two", 1.0))
    assert rows(out)[2][-1] == "no spread known"


def test_equal_values_are_equal_and_what_has_no_better_way_is_not_ranked(textgan):
    one = write("one", evaluation({"fid": 1.0, "sharpness": 0.5}))
    two = write("two", evaluation({"fid": 1.0, "sharpness": 0.75}))
    _, out, _ = textgan("compare", one, two)
    assert rows(out)[2][-2:] == ["+0.000", "equal"]
    assert rows(out)[4][-2:] == ["+0.2500", "not ranked"]
    three = write("three", evaluation({"fid": 1.0 + 1e-9, "sharpness": 0.5}))
    assert rows(textgan("compare", one, three)[1])[2][-1] == "equal"  # but for the order of sums


def test_a_saved_pipeline_does_not_know_how_many_images_it_has_seen(textgan):
    one, other = evaluation({"fid": 1.0}), evaluation({"fid": 2.0})
    other["model"]["images_seen"] = None
    status, out, err = textgan("compare", write("one", one), write("two", other))
    assert status == 0, err
    assert "B  two: weights aaaaaaaa, a saved pipeline, seed 0" in out


def test_differing_protocols_are_not_ranked_and_named_by_their_path(textgan):
    other = evaluation({"fid": 1.0, "kid": 0.5}, weights="bb")
    other["protocols"]["fid"]["data"]["fingerprint"] = "cd" * 8
    other["protocols"]["fid"]["extractor"]["features"][1] = 2048
    other["protocols"]["fid"]["splits"] = 10
    one = write("one", evaluation({"fid": 2.0, "kid": 0.25}))
    status, out, _ = textgan("compare", one, write("two", other))
    assert status == 0
    assert rows(out)[2] == ["B", "1.000", "100", "not comparable"]
    assert rows(out)[4][-1] == "no spread known"
    assert out.splitlines()[-1] == (
        "fid: extractor.features.1 768 against 2048; data.fingerprint abababab... against "
        "cdcdcdcd...; splits nothing against 10"
    )


def test_another_n_is_not_ranked(textgan):
    one = write("one", evaluation({"fid": {"value": 2.0, "n": 1000}}))
    two = write("two", evaluation({"fid": {"value": 1.0, "n": 500}}))
    _, out, _ = textgan("compare", one, two)
    assert rows(out)[2][-1] == "not comparable"
    assert out.endswith("\nfid: n 1000 against 500\n")


def test_other_seeds_are_not_ranked(textgan):
    one, two = model("one", 1.0, 2.0), model("two", 1.0)
    _, out, _ = textgan("compare", one, two)
    assert rows(out)[2][-1] == "not comparable"
    assert out.endswith("\nfid: seed 0, 1 against 0\n")


def test_of_more_than_two_models_the_one_that_differs_is_named(textgan):
    other = evaluation({"fid": 1.0})
    other["protocols"]["fid"]["metric"] = "another"
    one, two = write("one", evaluation({"fid": 2.0})), write("two", evaluation({"fid": 3.0}))
    _, out, _ = textgan("compare", one, two, write("three", other))
    assert [row[-1] for row in rows(out)[2:]] == ["no spread known", "not comparable"]
    assert out.endswith("\nfid (C): metric fid against another\n")


def test_a_number_that_only_one_has_is_not_ranked_and_the_reason_is_told(textgan):
    two = evaluation({"fid": 1.0})
    two["skipped"]["kid"] = "too few pictures"
    one = write("one", evaluation({"fid": 2.0, "kid": 0.5}))
    for first, second, letter in ((one, write("two", two), "B"), ("two", "one", "A")):
        _, out, _ = textgan("compare", first, second)
        assert ("kid", "not comparable") in [
            (above[0], row[-1]) for above, row in zip(rows(out), rows(out)[1:], strict=False)
        ]
        assert out.endswith(f"\nkid: {letter} has none (too few pictures)\n")


def test_a_number_that_a_metric_left_out_is_named(textgan):
    one = write("one", evaluation({"diversity/distance": 0.5, "diversity/relative": 1.0}))
    two = write("two", evaluation({"diversity/distance": 0.5}))
    _, out, _ = textgan("compare", one, two)
    assert out.endswith("\ndiversity: B has no diversity/relative\n")


def test_a_terminal_gets_the_same_words(textgan, monkeypatch):
    one, two = model("one", 10.0, 12.0, number="[b]fid"), model("two", 4.0, 5.0, number="[b]fid")
    _, out, _ = textgan("compare", one, two)
    cells = [cell for row in rows(out) for cell in row]
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, drawn, _ = textgan("compare", one, two)
    assert drawn != out
    assert [cell for cell in cells if cell not in drawn] == []


def test_a_file_a_run_folder_and_a_sweep_say_the_same(textgan):
    model("one", 1.0), model("two", 2.0)
    written = {
        out.split("\n\n")[1]
        for one, two in (
            ("one/0/evaluation.json", "two/0/evaluation.json"),
            ("one/0", "two/0"),
            ("one", "two"),
        )
        for out in [textgan("compare", one, two)[1]]
    }
    assert len(written) == 1


def test_metrics_and_numbers_can_be_picked(textgan):
    numbers = {"fid": 1.0, "manifold/recall": 0.5, "manifold/density": 0.6}
    one, two = write("one", evaluation(numbers)), write("two", evaluation(numbers))
    for names, said in (
        (["manifold"], ["manifold/recall", "manifold/density"]),
        (["fid", "manifold/density"], ["fid", "manifold/density"]),
    ):
        _, out, _ = textgan("compare", *(f"--metric={name}" for name in names), one, two)
        assert [row[0] for row in rows(out)[1::2]] == said


def test_the_picture_has_a_panel_for_each_number(textgan):
    one, two = model("one", 10.0, 12.0), model("two", 4.0, 5.0)
    three = model("three", 4.0)
    status, out, err = textgan("compare", one, two, three, "--out", "new/compare.png")
    assert status == 0, err
    assert out.endswith("new/compare.png\n")
    with Image.open("new/compare.png") as image:
        assert image.format == "PNG"

    from textgan.comparison.panels import draw

    panels, _ = draw(compare([replicates(path) for path in (one, two, three)])).subfigs
    (axes,) = panels.axes
    assert axes.get_title() == "fid"
    assert axes.get_xlabel() == "lower is better"
    bars = [bar.get_segments()[0][:, 1].tolist() for bar in (c[2][0] for c in axes.containers[:2])]
    assert bars[0] == pytest.approx([11 - 2**0.5, 11 + 2**0.5])
    assert bars[1] == pytest.approx([4.5 - 0.5**0.5, 4.5 + 0.5**0.5])
    dots = [seed[1] for collection in axes.collections for seed in collection.get_offsets()]
    assert {10.0, 12.0, 4.0, 5.0} <= {*dots}


def broken(**sections: Any) -> dict[str, Any]:
    return {**evaluation({"fid": 1.0}), **sections}


NAN = broken()
NAN["numbers"]["fid"]["value"] = float("nan")
ORPHAN = broken(protocols={})
OTHER_SEED = evaluation({"fid": 1.0, "kid": 1.0})
OTHER_SEED["protocols"]["kid"]["seed"] = 5


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "two/evaluation.json is not valid JSON: Expecting property name"),
        ("[]", "two/evaluation.json is no evaluation of textgan, since it has no format_version"),
        ('{"seed": 0}', "it has no format_version"),
        (broken(format_version=2), "must have format version 1, got 2"),
        (broken(numbers=None), "numbers must be an object, got None"),
        (broken(model={}), "model.weights_sha256 must be of type str, got None"),
        (NAN, "numbers.fid.value must be a finite number, got nan"),
        (ORPHAN, "numbers.fid must be an object whose metric is a name in protocols"),
        (OTHER_SEED, "protocols must all have the same seed"),
        (broken(numbers={}, protocols={}), "has no numbers: there were no metrics, or all"),
    ],
)
def test_a_broken_file_is_one_sentence(refused, content, said):
    assert said in refused("compare", model("one", 1.0), write("two", content))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["one"], "2 to 26 models can be compared, got 1"),
        (["one", "missing"], "'missing' does not exist"),
        (["one", "empty"], "'empty' contains no evaluation.json"),
        (["one", "one", "--metric", "fdi"], "no evaluation has 'fdi'; did you mean 'fid'?"),
    ],
)
def test_a_mistake_is_one_sentence(refused, words, said):
    model("one", 1.0)
    Path("empty").mkdir()
    assert said in refused("compare", *words)


@pytest.mark.parametrize("out", ["one/x.nothing", "one"])
def test_a_plot_that_cannot_be_written_is_one_sentence(textgan, out):
    model("one", 1.0)
    status, _, err = textgan("compare", "one", "one", "--out", out)
    assert (status, err.count("\n")) == (2, 1)
    assert f"--out {out!r} cannot be written" in err


def test_what_differs_in_more_than_the_seed_is_not_averaged(refused):
    first = evaluation({"fid": 1.0})
    write("one/a", first)
    other_data = evaluation({"fid": 1.0}, seed=1)
    other_data["protocols"]["fid"]["data"]["split"] = "val"
    for other, said in (
        (first, "one/a/evaluation.json and one/b/evaluation.json must differ in seed, got 0"),
        (
            evaluation({"fid": 1.0}, weights="bb", seed=1),
            "model.weights_sha256 aaaaaaaa... against",
        ),
        (other_data, "differ in the protocol of fid: data.split test against val"),
        (evaluation({"fid": 1.0, "kid": 2.0}, seed=1), "differ in metrics: only one has kid"),
    ):
        write("one/b", other)
        assert said in refused("compare", "one", "one/a")


def test_seeds_are_sorted_and_the_interval_is_that_of_the_lowest(tmp_path):
    for seed, low in ((10, 0.1), (2, 0.2)):
        entry = {"value": 0.5, "low": low, "high": 0.9}
        write(f"{tmp_path}/{seed}", evaluation({"kid": entry}, seed=seed))
    found = replicates(str(tmp_path))
    assert [*found.by_seed] == [2, 10]
    assert found.estimate("kid").interval == (0.2, 0.9)
    assert found.estimate("fid") is None


def test_the_metrics_own_seed_may_not_differ(textgan):
    one, two = (evaluation({"fid": 1.0}) for _ in range(2))
    one["protocols"]["fid"]["judge"] = {"seed": 0, "hash": "a"}
    two["protocols"]["fid"]["judge"] = {"seed": 1, "hash": "a"}
    _, out, _ = textgan("compare", write("one", one), write("two", two))
    assert out.endswith("\nfid: judge.seed 0 against 1\n")


def test_comparing_changes_nothing_in_what_was_read(tmp_path):
    models = [replicates(model(f"{tmp_path}/{name}", 1.0, 2.0)) for name in "ab"]
    before = copy.deepcopy(models)
    compare(models)
    assert models == before


def test_a_tested_model_can_be_compared_with_itself(textgan, trained):
    words = (f"ckpt_path={trained}/last.ckpt", "metric=[sharpness,shape_alignment]")
    status, _, err = textgan("test", *words, "-m", "model.seed=0,1", "hydra.sweep.dir=sweep")
    assert status == 0, err
    status, out, err = textgan("compare", "sweep", "sweep")
    assert status == 0, err
    verdicts = [row[-1] for row in rows(out)[2::2]]
    assert {*verdicts} == {"not ranked", "equal"}
    assert "not comparable" not in out
