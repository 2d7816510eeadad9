"""A setting of Hydra, of a launcher or a sweeper that cannot be used is one sentence."""

from pathlib import Path

import pytest
import yaml

OPTUNA = ["-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=1"]
JOBLIB = ["-m", "hydra/launcher=joblib"]


@pytest.fixture
def refused_without_files(refused):
    def run(*words: str) -> str:
        sentence = refused("fit", *words)
        written = {path.name for path in Path().rglob("*") if path.is_file()}
        assert written <= {"multirun.yaml"}, "which Hydra writes before a sweep begins"
        return sentence

    return run


@pytest.mark.parametrize(("group", "below"), [("callback", "trainer"), ("metric", "model")])
def test_null_leaves_a_group_of_several_empty(group, below, textgan):
    status, out, err = textgan("fit", f"{group}=null", "--cfg", "job")
    assert status == 0, err
    assert not yaml.safe_load(out)[below].get(f"{group}s")


REFUSED = [
    (["-m", "hydra.sweeper.params={model.seed: x}"], "hydra.sweeper.params={model.seed: x}"),
    (["-m", "hydra.sweeper=3", "seed=1,2"], "cannot work with hydra.sweeper=3"),
    (["-m", "hydra.sweeper.max_batch_size=0", "seed=1,2"], "hydra.sweeper.max_batch_size=0"),
    (["hydra.run.dir=/dev/null/x"], "the run folder /dev/null/x cannot be written"),
    (["hydra.run.dir="], "hydra.run.dir must name a file or folder, got an empty text"),
    (["hydra.job_logging.root.level=NOPE"], "hydra.job_logging.root.level=NOPE"),
    (["--cfg", "jobs"], "--cfg must be one of job, hydra, all, got 'jobs'"),
    (["--info=nope"], "--info must be one of"),
]
REFUSED_TOO = [
    ([*OPTUNA, "model.caption_dropout=interval(0.5,0.1)"], "must be smaller than"),
    (["-m", "hydra.sweeper.params=3", "seed=1,2"], "hydra.sweeper.params=3"),
    (["-m", "hydra.launcher=3", "seed=1,2"], "cannot work with hydra.launcher=3"),
    (["-m", "hydra.sweeper._target_=nope.X", "seed=1,2"], "hydra.sweeper._target_=nope.X"),
    (["-m", "model.caption_dropout=interval(0.1,0.2)"], "INTERVAL_SWEEP"),
    ([*OPTUNA, "hydra.sweeper.params={seed: 3}"], "hydra.sweeper.params={seed: 3}"),
    ([*OPTUNA, "hydra.sweeper.direction=up", "seed=choice(1,2)"], "direction=up"),
    ([*OPTUNA, "model.caption_dropout=interval(0.5)"], "missing a required argument: 'end'"),
    ([*OPTUNA, "model.caption_dropout=interval(a,b)"], "model.caption_dropout=interval(a,b)"),
    ([*OPTUNA, "hydra.sweeper.storage=x", "seed=choice(1,2)"], "hydra.sweeper.storage=x"),
    ([*JOBLIB, "hydra.launcher.n_jobs=0", "seed=1,2"], "hydra.launcher.n_jobs=0"),
    (["-m", "hydra/launcher=submitit_slurm", "seed=1,2"], "hydra/launcher=submitit_slurm"),
    (["hydra.job.chdir=perhaps"], "hydra.job.chdir=perhaps"),
    (["hydra.verbose=3"], "hydra.verbose=3"),
    (["hydra=1"], "hydra=1"),
]


@pytest.mark.parametrize(
    ("words", "said"),
    [*REFUSED, *(pytest.param(*case, marks=pytest.mark.slow) for case in REFUSED_TOO)],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_hydras_own_settings_are_refused_in_one_sentence(words, said, refused_without_files):
    for plugin in ("optuna", "joblib", "submitit"):
        if plugin in " ".join(words):
            pytest.importorskip(plugin)
    assert said in refused_without_files(*words, "total_images=1")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("image_size=[16,32]", "must be one value, got [16, 32]: to run each of them, use -m im"),
        ("total_images=[8]", "total_images must be one value, got [8]: to run each of them"),
        ("image_size={a: 1}", 'image_size must be one value, got {"a": 1}'),
        ("total_images=many", 'total_images must be int, got "many"'),
        ("validate_every_images=x", 'validate_every_images must be int, got "x"'),
        ("image_size=null", "image_size must be int, got null"),
        ("seed=-1", "seed must be from 0 to 4294967295, got -1"),
        ("data.batch_size=many", "data.batch_size must be int, got 'many'"),
        ("data.batch_size=null", "data.batch_size must be int, got None"),
        ("model=null", "a model must be given, as in model=gan"),
        ("model=3", "no model called '3'"),
        ("data={a: 1}", "data must be one of emoji, fashion_mnist, "),
        ("noise_width=true", "noise_width must be int, got true"),
        ("+modle.x=1", "no such section: 'modle'; did you mean 'model'?"),
    ],
)
def test_a_shared_scalar_is_one_value_of_its_type(word, said, refused_without_files):
    assert said in refused_without_files("total_images=1", word)
