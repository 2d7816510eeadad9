"""Every arm that guidance measures is a run that composes, and its table says what was measured."""

import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from textgan.cli.main import main

FOLDER = Path(__file__).parents[2] / "experiments" / "guidance"
ARMS = [
    *("vae_gan", "match", "perceptual", "text", "projected", "guidance", "guidance_late", "guided"),
    *("all", "gan", "gan_match", "gan_text", "gan_projected", "gan_guidance", "gan_all"),
]


@pytest.fixture
def script(monkeypatch):
    """Import a file of the experiment's folder, whose names are common ones."""
    monkeypatch.syspath_prepend(FOLDER)
    before = set(sys.modules)
    yield import_module
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent == FOLDER:
            del sys.modules[name]


def composed(words: list[str], capsys, monkeypatch, tmp_path) -> dict:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTGAN_DATA", str(tmp_path))
    assert main(["fit", *words, "--cfg", "job"]) == 0
    return yaml.safe_load(capsys.readouterr().out)


@pytest.mark.parametrize("setting", ["shapes", "hard", "emoji"])
@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_composes(setting, arm, script, capsys, monkeypatch, tmp_path):
    arms, words_of = script("arms"), script("measure").words_of
    assert set(ARMS) == set(arms.ARMS)
    words = words_of(arms.ARMS[arm], arms.SETTINGS[setting], 3, "CLIP/pipeline")
    run = composed(words, capsys, monkeypatch, tmp_path)
    model = run["model"]
    assert run["seed"] == 3
    assert (model.get("posterior") is None) == arm.startswith("gan")
    assert ("alignment_guidance" in model["losses"]) == ("guid" in arm or arm.endswith("all"))
    reads_encoders = "${encoders}" in yaml.safe_dump(model)
    assert reads_encoders == arms.ARMS[arm].uses_encoders
    assert reads_encoders != (arm in ("vae_gan", "match", "gan", "gan_match"))


def test_arms_of_a_setting_have_one_size_and_their_encoders_fit(
    script, capsys, monkeypatch, tmp_path
):
    for setting in script("arms").SETTINGS.values():
        run = composed(list(setting.words), capsys, monkeypatch, tmp_path)
        pretraining = composed(list(setting.pretraining), capsys, monkeypatch, tmp_path)
        for scalar in ("image_size", "channels", "text_width"):
            assert run[scalar] == pretraining[scalar]


def test_the_table_has_a_row_a_run_and_one_for_several_seeds(script):
    setting = script("arms").SETTINGS["emoji"]
    runs = [
        {
            **{"arm": "text", "seed": seed, "images": 31_000, "seconds": 280.4},
            **{"pretraining_seconds": 110.0, "numbers": {"r_precision": 0.5 + seed / 10}},
        }
        for seed in (0, 2)
    ]
    rows = script("table").table(runs, setting).splitlines()
    assert rows[0].startswith("| arm | seed | images | seconds | of them pretraining | R-precision")
    assert rows[2] == "| text | 0 | 31,000 | 390 | 110 | 0.500 |  |  |"
    assert rows[3] == "| text | 2 | 31,000 | 390 | 110 | 0.700 |  |  |"
    assert rows[4] == "| text | mean ± deviation |  |  |  | 0.600 ± 0.141 |  |  |"
    assert len(rows) == 5


def test_what_is_measured_is_not_measured_again_and_never_taken_for_another(script, tmp_path):
    once, made = script("measure").once, []
    file = tmp_path / "a" / "b.json"

    def ask(*words: str) -> dict:
        return once(file, ["fit", *words], lambda: made.append(words) or {"x": 1})

    for encoders in ("here", "there"):
        assert ask("seed=1", f"encoders={encoders}") == {"command": "textgan fit seed=1", "x": 1}
    assert len(made) == 1
    with pytest.raises(RuntimeError, match=r"b\.json must be of the command .* fit seed=2, got"):
        ask("seed=2")


def test_every_finished_arm_draws_the_same_captions(script, tiny_pipeline, tmp_path):
    captions = ["a red heart", "a star"]
    for arm in ("text", "all", "gan"):
        tiny_pipeline(captions).save_pretrained(tmp_path / f"{arm}-seed1" / "run" / "pipeline")
    for arm in ("text", "gan"):
        (tmp_path / f"{arm}-seed1" / "done.json").write_text("{}")
    grids = script("table").grids
    assert grids(tmp_path, 0, captions) is None
    whole = grids(tmp_path, 1, captions)
    half = whole.height // 2
    above, below = (whole.crop((0, top, whole.width, top + half)) for top in (0, half))
    assert above.size == below.size
    label = (0, 0, whole.width, 22)
    assert above.crop(label).tobytes() != below.crop(label).tobytes()  # the arms' names
    pictures = (0, 22, whole.width, half)
    assert above.crop(pictures).tobytes() == below.crop(pictures).tobytes()
