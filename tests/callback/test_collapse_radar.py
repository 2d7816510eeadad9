import warnings
from collections.abc import Iterator
from dataclasses import replace

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from textgan.callback.collapse_radar import CollapseRadar
from textgan.types import Batch


class Sampler:
    """Gray samples: `noise` times a value of the noise, plus `caption` times one of the caption."""

    abilities = frozenset({"sample"})

    def __init__(self, *, noise: float, caption: float):
        self.noise, self.caption = noise, caption

    def sample(self, captions: list[str], *, seed: int, indices: list[int]) -> Tensor:
        rows = [
            self.noise * (-1) ** index + self.caption * (-1) ** ord(caption[0])
            for caption, index in zip(captions, indices, strict=True)
        ]
        return torch.tensor(rows)[:, None, None, None].expand(-1, 3, 4, 4)


class Module(pl.LightningModule):
    """What the callback reads of a model, and the rows that are logged."""

    def __init__(self, **sizes: float):
        super().__init__()
        self.images_seen, self.progress, self.rows = torch.tensor(40), 0.5, []
        self.sizes = sizes

    def pipeline(self) -> Sampler:
        return Sampler(**self.sizes)

    def log_dict(self, row: dict[str, float], **_: object) -> None:
        self.rows.append(row)


class Trainer:
    log_every_n_steps, datamodule = 1, None


class KeepingData:
    """Data whose training batches have features in the place of pixels."""

    keeps_features = True

    def each_process(self, split: str, *, limit: int) -> Iterator[Batch]:
        assert split == "train"
        yield batch("abcd"[:limit])


def batch(captions: str = "abcd") -> Batch:
    torch.manual_seed(0)
    images = torch.rand(len(captions), 3, 4, 4) * 2 - 1
    return Batch(images, [*captions], torch.arange(len(captions)))


def shown(radar: CollapseRadar, module: Module, rows: int = 1) -> list[str]:
    """The warnings of so many rows."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in range(rows):
            radar.on_train_batch_end(Trainer(), module, None, batch(), n)
    return [str(warning.message) for warning in caught]


def test_the_deviations_are_those_of_the_samples():
    module = Module(noise=0.3, caption=0.5)
    assert shown(CollapseRadar(), module) == []
    (row,) = module.rows
    # four values, two of each sign: their variance is 4/3 of the square
    assert row["train/deviation/noise"] == pytest.approx(0.3 * (4 / 3) ** 0.5)
    assert row["train/deviation/captions"] == pytest.approx(0.5 * (4 / 3) ** 0.5)
    real = batch().images.var(0).mean().sqrt().item()
    assert row["train/deviation/real"] == pytest.approx(real)
    assert row["step"] == 40


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"noise": 0.0, "caption": 0.5}, "The noise is ignored"),
        ({"noise": 0.5, "caption": 0.001}, "The captions are ignored"),
    ],
)
def test_one_warning_after_three_low_rows(sizes, sentence):
    radar, module = CollapseRadar(), Module(**sizes)
    assert shown(radar, module, rows=2) == []
    (warning,) = shown(radar, module)
    assert sentence in warning
    assert shown(radar, module, rows=5) == []


def test_a_resumed_run_does_not_warn_again():
    radar, module = CollapseRadar(), Module(noise=0.0, caption=0.5)
    shown(radar, module, rows=3)
    again = CollapseRadar()
    again.load_state_dict(radar.state_dict())
    assert shown(again, module, rows=3) == []
    early, late = CollapseRadar(), CollapseRadar()
    shown(early, module, rows=2)
    late.load_state_dict(early.state_dict())
    assert len(shown(late, module)) == 1


def test_rows_between_which_it_recovers_are_not_counted():
    radar, low, high = (
        CollapseRadar(),
        Module(noise=0.0, caption=1.0),
        Module(noise=1.0, caption=1.0),
    )
    for module in (low, low, high, low, low):
        assert shown(radar, module) == []


def test_nothing_is_judged_at_the_beginning():
    module = Module(noise=0.0, caption=0.0)
    module.progress = 0.19
    assert shown(CollapseRadar(), module, rows=5) == []
    assert len(module.rows) == 5


def test_it_measures_only_with_a_row_of_the_log():
    radar, module, trainer = CollapseRadar(), Module(noise=1.0, caption=1.0), Trainer()
    trainer.log_every_n_steps = 3
    for n in range(7):
        radar.on_train_batch_end(trainer, module, None, batch(), n)
    assert len(module.rows) == 2


def test_a_batch_with_one_caption_or_none_is_measured_as_far_as_it_goes():
    radar, sampler = CollapseRadar(), Sampler(noise=1.0, caption=1.0)
    assert set(radar.measure(sampler, ["a", "a"], batch().images)) == {"noise", "real"}
    assert radar.measure(sampler, [""], torch.zeros(1, 3, 4, 4)) == {}


def test_real_images_are_pixels_where_the_batch_has_features():
    module, trainer = Module(noise=1.0, caption=1.0), Trainer()
    trainer.datamodule = KeepingData()
    features = replace(batch(), images=torch.randint(1000, (4, 1, 2, 2)))
    CollapseRadar().on_train_batch_end(trainer, module, None, features, 0)
    real = batch().images.var(0).mean().sqrt().item()
    assert module.rows[0]["train/deviation/real"] == pytest.approx(real)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"captions": 1}, "captions must be at least 2, got 1"),
        ({"noises": 1}, "noises must be at least 2, got 1"),
        ({"threshold": -1}, "threshold must be at least 0, got -1"),
        ({"patience": 0}, "patience must be at least 1, got 0"),
        ({"start": 2}, "start must be within"),
    ],
)
def test_numbers_out_of_range_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        CollapseRadar(**arguments)
