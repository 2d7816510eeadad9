"""Every textgan command of the README runs as it stands there, its budget cut by overrides."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

from textgan.cli.main import main

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
LINES = [line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines()]
COMMANDS = sorted(
    {line for line in LINES if line.startswith("textgan ") and line != "textgan demo"}
)
SLOW = ("trainer=ddp_cpu", "wandb", "textgan export", "-m ")


def parametrised() -> list:
    return [
        pytest.param(c, marks=[pytest.mark.slow] if any(word in c for word in SLOW) else [])
        for c in COMMANDS
    ]


def cut(words: list[str], tiny: list[str]) -> list[str]:
    """The same command over 32 tiny pictures; what the README says of a setting stays."""
    if words[0] != "fit" or "--config" in words or any(w.startswith("ckpt_path=") for w in words):
        return words
    said = {word.split("=")[0] for word in words if "=" in word}
    extra = [word for word in tiny if word.split("=")[0] not in said]
    if "data=folder" in words:
        extra = [word for word in extra if not re.match(r"data\.(val|test|train)_size=", word)]
    if "model=contrastive" in words:
        extra = [w for w in extra if not re.match(r"(callback|model\.(?!text_encoder|token))", w)]
        extra += ["model.image_encoder.base_width=4", "model.image_encoder.max_width=8"]
    if "text_encoder=bert_pretrained" in words:
        extra = [word for word in extra if not word.startswith("model.text_encoder")]
    if "posterior=null" in words:
        extra = [word for word in extra if not word.startswith("model.posterior")]
    return [*words, *extra]


@pytest.fixture(scope="module")
def contrastive(tmp_path_factory, tiny) -> Path:
    """The run folder of a tiny contrastive training."""
    folder = tmp_path_factory.mktemp("contrastive") / "run"
    words = cut(["fit", "model=contrastive", "data=shapes"], tiny)
    assert main([*words, f"hydra.run.dir={folder}"]) == 0
    return folder


def test_the_page_that_never_ends_is_named_too():
    assert "textgan demo" in LINES  # tests/command/test_demo.py and tests/test_browser.py open it


def test_the_readme_has_commands():
    assert len(COMMANDS) >= 10
    assert {command.split()[1] for command in COMMANDS} >= {"fit", "test", "predict", "sample"}


@pytest.mark.parametrize("command", parametrised())
def test_a_command_of_the_readme_runs(command, textgan, tiny, trained, contrastive, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(6):
        Image.new("RGB", (20, 20), (40 * i, 0, 0)).save(pictures / f"{i}.png")
        (pictures / f"{i}.txt").write_text(f"red number {i}\n", encoding="utf-8")
    (tmp_path / "captions.txt").write_text("a red circle\na blue star\n", encoding="utf-8")
    run = shutil.copytree(trained, tmp_path / "run")
    for name in ("one", "two"):
        Image.new("RGB", (20, 30), "navy").save(tmp_path / f"{name}.jpg")
    command = command.replace("RUN/", f"{run}/").replace("PATH", str(pictures))
    command = re.sub(r"\bRUN$", str(run), command)
    command = command.replace("CLIP/", f"{shutil.copytree(contrastive, tmp_path / 'clip')}/")
    if command.startswith("textgan compare "):
        for run_dir in ("A", "B"):
            ask = ["test", f"ckpt_path={run}/last.ckpt", "metric=[sharpness]"]
            assert textgan(*ask, f"hydra.run.dir={run_dir}")[0] == 0
    if "model=pipeline" in command:
        command = command.replace("image_size=32", "image_size=16")
        command += " data.test_size=4 data.train_size=8 data.batch_size=4"
    if command.startswith("textgan export"):
        pytest.importorskip("onnxruntime", reason="needs textgan[export]")
    words = shlex.split(command)[1:]
    if words[0] == "sample" and "--model" not in words:
        words += ["--model", str(run)]
    status, _, errors = textgan(*cut(words, tiny))
    assert status == 0, errors
