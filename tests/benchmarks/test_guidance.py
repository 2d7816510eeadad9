"""Each arm of the guidance benchmark composes, and its table shows the measured numbers."""

import pytest
import yaml

from benchmarks.guidance import measure
from benchmarks.guidance.arms import ARMS, SETTINGS
from benchmarks.guidance.measure import words_of
from benchmarks.guidance.report import grids, table
from benchmarks.timed import once
from textgan.cli.main import main


def composed(words: list[str], capsys, monkeypatch, tmp_path) -> dict:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTGAN_DATA", str(tmp_path))
    assert main(["fit", *words, "--cfg", "job"]) == 0
    return yaml.safe_load(capsys.readouterr().out)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_composes(setting, arm, capsys, monkeypatch, tmp_path):
    words = words_of(ARMS[arm], SETTINGS[setting], 3, "CLIP/pipeline")
    run = composed(words, capsys, monkeypatch, tmp_path)
    model = run["model"]
    assert run["seed"] == 3
    assert (model.get("posterior") is None) == arm.startswith("gan")
    assert ("alignment_guidance" in model["losses"]) == ("guid" in arm or arm.endswith("all"))
    reads_encoders = "${encoders}" in yaml.safe_dump(model)
    assert reads_encoders == ARMS[arm].uses_encoders
    trained = ("text", "projected", "perceptual", "guid", "all")
    assert reads_encoders == any(word in arm for word in trained)


def test_arms_and_encoders_of_a_setting_have_the_same_sizes(capsys, monkeypatch, tmp_path):
    for setting in SETTINGS.values():
        run = composed(list(setting.words), capsys, monkeypatch, tmp_path)
        pretraining = composed(list(setting.pretraining), capsys, monkeypatch, tmp_path)
        for scalar in ("image_size", "channels", "text_width"):
            assert run[scalar] == pretraining[scalar]


def test_the_table_has_a_row_for_each_run_and_one_for_several_seeds():
    runs = [
        {
            **{"arm": "text", "seed": seed, "images": 31_000, "seconds": 280.4},
            **{"pretraining_seconds": 110.0, "numbers": {"r_precision": 0.5 + seed / 10}},
        }
        for seed in (0, 2)
    ]
    rows = table(runs, SETTINGS["emoji"]).splitlines()
    assert rows[0].startswith("| arm | seed | images | seconds | of them pretraining | R-precision")
    assert rows[2] == "| text | 0 | 31,000 | 390 | 110 | 0.500 |  |  |"
    assert rows[3] == "| text | 2 | 31,000 | 390 | 110 | 0.700 |  |  |"
    assert rows[4] == "| text | mean ± deviation |  |  |  | 0.600 ± 0.141 |  |  |"
    assert len(rows) == 5


def test_a_result_is_not_measured_again_and_belongs_to_one_command(tmp_path):
    file, made = tmp_path / "a" / "b.json", []

    def measured(*words: str) -> dict:
        return once(file, ["fit", *words], lambda: made.append(words) or {"x": 1})

    for encoders in ("here", "there"):
        assert measured("seed=1", f"encoders={encoders}") == {
            "command": "textgan fit seed=1",
            "x": 1,
        }
    assert len(made) == 1
    with pytest.raises(
        RuntimeError, match=r"b\.json must belong to the command .* fit seed=2, got"
    ):
        measured("seed=2")


def test_overrides_of_all_trainings_reach_each_of_them(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(measure, "images_in", lambda _, words, folder: seen.append(words) or 9)
    monkeypatch.setattr(measure, "run", lambda words, folder: seen.append(words) or 1.0)
    monkeypatch.setattr(measure, "test", lambda *_: {})
    monkeypatch.setattr(measure, "grids", lambda *_: None)
    also = ["--also", "trainer.precision=bf16-mixed", "--out", str(tmp_path)]
    assert measure.main(["emoji", "--arms", "text", *also]) == 0
    assert len(seen) == 6  # speed and training of the judge, of the encoders and of the arm
    assert all("trainer.precision=bf16-mixed" in words for words in seen)


def test_the_grids_have_samples_of_each_finished_arm(tiny_pipeline, tmp_path):
    captions = ["a red heart", "a star"]
    for arm in ("text", "all", "gan"):
        tiny_pipeline(captions).save_pretrained(tmp_path / f"{arm}-seed1" / "run" / "pipeline")
    for arm in ("text", "gan"):
        (tmp_path / f"{arm}-seed1" / "done.json").write_text("{}")
    assert grids(tmp_path, 0, captions) is None
    whole = grids(tmp_path, 1, captions)
    half = whole.height // 2
    above, below = (whole.crop((0, top, whole.width, top + half)) for top in (0, half))
    assert above.size == below.size
    label = (0, 0, whole.width, 22)
    assert above.crop(label).tobytes() != below.crop(label).tobytes()  # the arms' names
    samples = (0, 22, whole.width, half)
    assert above.crop(samples).tobytes() == below.crop(samples).tobytes()
