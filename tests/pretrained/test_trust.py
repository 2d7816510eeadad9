"""Parts of a user's own package are trained as any other, and loaded if the package is trusted."""

import sys
from pathlib import Path

import pytest

from textgan.pipeline import GANPipeline
from textgan.pretrained.trust import is_trusted, packages_to_trust
from textgan.training.checkpoint import load_pipeline

MODULE = """
from textgan.generator import AttentionGenerator


class Mine(AttentionGenerator):
    pass
"""
CHOICE = """
# @package model.generator
defaults:
  - attention
  - _self_
_target_: my_generators.Mine
"""


@pytest.fixture
def package(tmp_path, monkeypatch) -> str:
    """A module outside textgan with a generator, and a configuration folder that names it."""
    (tmp_path / "my_generators.py").write_text(MODULE)
    (tmp_path / "conf" / "generator").mkdir(parents=True)
    (tmp_path / "conf" / "generator" / "mine.yaml").write_text(CHOICE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "my_generators"
    sys.modules.pop("my_generators", None)


@pytest.mark.slow
def test_a_model_with_a_part_of_the_users_own_is_loaded_if_that_is_trusted(package, textgan, tiny):
    words = ["-cd", "conf", "generator=mine", *tiny, "hydra.run.dir=run"]
    status, out, err = textgan("fit", *words)
    assert status == 0, err
    assert f"{package} is outside textgan" in out
    assert f"by --trust {package} on the command line or trust=('{package}',) in Python" in out
    assert f'next: textgan sample "a caption" --model run/pipeline --trust {package}' in out
    for model in ("run/pipeline", "run/last.ckpt"):
        sample = ["sample", "a red circle", "--model", model, "--number", "1"]
        status, _, err = textgan(*sample)
        assert status == 2
        assert f"--trust {package} or trust=('{package}',) allows its classes" in err
        assert textgan(*sample, "--trust", package)[0] == 0
    load = {"run/pipeline": GANPipeline.from_pretrained, "run/last.ckpt": load_pipeline}
    for model, loads in load.items():
        assert type(loads(model, trust=(package,)).generator).__name__ == "Mine"
    for verb in ("test", "fit"):
        status, _, err = textgan(verb, "ckpt_path=run/last.ckpt", "total_images=40")
        assert status == 2
        assert f"--trust {package} allows its classes" in err
    resume = ["fit", "ckpt_path=run/last.ckpt", "total_images=40"]
    status, out, err = textgan(*resume, "--trust", package)
    assert status == 0, err
    assert "is outside textgan" not in out


@pytest.mark.slow
def test_a_pipeline_of_the_users_own_is_evaluated_if_that_is_trusted(package, textgan, tiny):
    words = ["-cd", "conf", "generator=mine", *tiny, "hydra.run.dir=run"]
    assert textgan("fit", *words)[0] == 0
    words = ["test", "model=pipeline", "model.path=run/pipeline", "image_size=16", "data=shapes"]
    words += ["data.test_size=4", "data.batch_size=4", "metric=[]"]
    status, _, err = textgan(*words)
    assert status == 2
    assert f"--trust {package}" in err
    assert textgan(*words, "--trust", package)[0] == 0
    assert textgan("export", "onnx", "--model", "run", "--trust", package)[0] == 0


def test_a_model_of_textgans_own_parts_needs_no_trust(trained, textgan):
    status, out, _ = textgan("test", f"ckpt_path={trained}/last.ckpt")
    assert status == 0
    assert "--trust" not in out


def test_trust_beside_a_file_that_may_name_anything_is_refused(textgan):
    status, _, err = textgan("fit", "--config", "run.yaml", "--trust", "mine")
    assert status == 2
    assert "--trust has no effect with --config" in err


def test_a_prefix_is_a_whole_name():
    assert is_trusted("textgan.generator.X")
    assert is_trusted("mine.parts.X", ("other", "mine"))
    assert is_trusted("mine.parts.X", "mine.parts")
    assert not is_trusted("mines.X", ("mine",))
    assert not is_trusted("textgans.X")
    assert not is_trusted("mine", ("mine",))
    for wrong in ("", "mine.", ".mine", "mine-parts", 3):
        with pytest.raises(ValueError, match="trust must be the dotted names"):
            is_trusted("mine.X", (wrong,))


def test_a_package_is_named_once_wherever_its_parts_are():
    inner = {"_target_": "b.X", "part": {"_target_": "a.Y"}, "own": {"_target_": "textgan.x.Z"}}
    config = {"_target_": "textgan.x.Y", "parts": [inner, {"_target_": "b.Z"}]}
    assert packages_to_trust(config) == ["a", "b"]


def test_a_trusted_class_must_be_a_part_too(tmp_path, tiny_pipeline):
    tiny_pipeline(["a red circle"]).save_pretrained(tmp_path)
    file = Path(tmp_path) / "config.json"
    text = file.read_text()
    for target, said in (("os.path.join", "must name a Part"), ("no_such.X", "No module named")):
        file.write_text(text.replace("textgan.pipeline.gan.GANPipeline", target))
        with pytest.raises(ValueError, match=said):
            GANPipeline.from_pretrained(tmp_path, trust=("os", "no_such"))
