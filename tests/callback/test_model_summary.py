import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelSummary as LightningModelSummary
from torch import nn

from textgan.callback.model_summary import ModelSummary, use_own_summary


class Two(pl.LightningModule):
    """A layer that trains and one that does not."""

    def __init__(self):
        super().__init__()
        self.moving, self.still = nn.Linear(3, 5), nn.Linear(5, 2)
        self.still.requires_grad_(False)


def test_parts_and_sums_are_printed_without_a_count_of_operations(capsys):
    trainer = pl.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    use_own_summary(trainer.callbacks)
    (summary,) = [c for c in trainer.callbacks if isinstance(c, LightningModelSummary)]
    summary.on_fit_start(trainer, Two())
    out = capsys.readouterr().out
    assert "moving" in out
    assert "20 parameters are trained, 12 are not" in out
    assert "FLOP" not in out


def test_the_depth_is_kept_and_no_summary_stays_none():
    callbacks = [LightningModelSummary(max_depth=3)]
    use_own_summary(callbacks)
    assert type(callbacks[0]) is ModelSummary
    assert callbacks[0]._max_depth == 3
    without = [pl.Callback()]
    use_own_summary(without)
    assert not isinstance(without[0], LightningModelSummary)
