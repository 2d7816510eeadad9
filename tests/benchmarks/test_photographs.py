"""Each arm of the photographs benchmark composes, and its data and table are as stated."""

import json

import pytest
import yaml

from benchmarks.photographs.arms import ARMS, COLUMNS, JUDGE
from benchmarks.photographs.measure import make_data, words_of
from benchmarks.photographs.report import table
from textgan.cli.main import main


@pytest.mark.parametrize("words", [[*JUDGE], *(words_of(arm, 3) for arm in ARMS)])
def test_every_run_composes(words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTGAN_DATA", str(tmp_path))
    assert main(["fit", *words, "--cfg", "job"]) == 0
    run = yaml.safe_load(capsys.readouterr().out)
    assert run["image_size"] == 64
    assert run["seed"] in (3, 100)


def test_an_unseen_photograph_is_tested_once_for_each_of_its_captions(tmp_path):
    root = tmp_path / "root"
    (root / "images").mkdir(parents=True)
    rows = [
        {"file": f"images/{n}.webp", "captions": ["one", "two"], "split": split}
        for n, split in enumerate(["train", "val", "train"])
    ]
    for row in rows:
        (root / row["file"]).write_bytes(row["file"].encode())
    text = "\n".join(json.dumps(row) for row in rows)
    (root / "captions.jsonl").write_text(text, encoding="utf-8")
    made = tmp_path / "made"
    make_data(root, made)
    read = {
        name: [json.loads(line) for line in (made / name).read_text("utf-8").splitlines()]
        for name in ("known.jsonl", "unseen.jsonl")
    }
    assert [row["split"] for row in read["known.jsonl"]] == ["test", "test"]
    tested = [row for row in read["unseen.jsonl"] if row["split"] == "test"]
    assert [row["captions"] for row in tested] == [["one"], ["two"]]
    assert {(made / row["file"]).read_bytes() for row in tested} == {b"images/1.webp"}


def test_the_table_has_a_row_for_each_run_and_one_for_several_seeds():
    runs = [
        {
            **{"arm": "mmd", "seed": seed, "images": 31_000, "seconds": 280.4},
            "numbers": dict.fromkeys(COLUMNS.values(), 0.5 + seed / 10),
        }
        for seed in (0, 2)
    ]
    rows = table(runs).splitlines()
    assert rows[2].startswith("| mmd | 0 | 31,000 | 280 | 0.500 | 0.500 |")
    assert rows[4].startswith("| mmd | mean ± deviation |  |  | 0.600 ± 0.141 |")
    assert len(rows) == 5
