"""The collapse radar within a training."""

import torch

from textgan.callback.collapse_radar import CollapseRadar


def test_a_training_logs_the_radar_and_goes_on_as_without_it(model, fitted):
    torch.manual_seed(0)
    plain = fitted(model())
    torch.manual_seed(0)
    watched = fitted(model(), None, CollapseRadar())
    log = fitted.trainer.logged_metrics
    assert log["train/deviation/real"] > 0
    assert {"train/deviation/noise", "train/logits/real", "train/logits/fake"} <= {*log}
    for one, other in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)
