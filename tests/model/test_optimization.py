"""What an optimizer's step is logged as, and what clipping leaves of it."""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins import MixedPrecision
from torch import nn
from torch.utils.data import DataLoader

from textgan.image_encoder import ResNetImageEncoder
from textgan.loss import InfoNCE
from textgan.model import ContrastiveModel
from textgan.text_encoder import BertTextEncoder
from textgan.training.budget import Budget
from textgan.training.optimization import Optimization, Optimized


class Rows(pl.Callback):
    """Keeps what each step of training logged."""

    def __init__(self):
        self.rows = []

    def on_train_batch_end(self, trainer, *_):
        self.rows.append({key: float(value) for key, value in trainer.logged_metrics.items()})

    def of(self, key: str) -> list[float]:
        return [row[key] for row in self.rows if key in row]


class Line(pl.LightningModule):
    """A weight whose gradient is 3 and one whose gradient is 4 in every batch of one image."""

    def __init__(self, **options: object):
        super().__init__()
        self.automatic_optimization = False
        self.first, self.second = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
        settings = {"total_images": 10, "warmup_images": 0, "learning_rate_decay_start": 1.0}
        self.optimization, self.seen = Optimization(Budget(**{**settings, **options})), 0

    def configure_optimizers(self):
        sgd = Optimized([*self.parameters()], partial(torch.optim.SGD, lr=1.0))
        return self.optimization.make({"line": sgd})

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> None:
        log = {}
        loss = (3 * self.first + 4 * self.second).sum()
        self.optimization.step(self, "line", loss, seen=self.seen, shown=1, log=log)
        self.seen += 1
        self.log_dict(log)


@pytest.fixture
def line(tmp_path):
    """Options of Budget -> the trained Line, and the rows that it logged."""

    def fit(*, limit: int = 4, every: int = 1, plugins: list | None = None, **options: object):
        rows, model = Rows(), Line(**options)
        run = pl.Trainer(
            default_root_dir=str(tmp_path),
            accelerator="cpu",
            callbacks=[rows],
            max_epochs=1,
            log_every_n_steps=every,
            plugins=plugins,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
        )
        run.fit(model, DataLoader(torch.zeros(limit, 1)))
        return model, rows

    return fit


def test_the_norm_of_a_gradient_is_logged_as_it_is_before_clipping(line):
    model, rows = line(gradient_clip_norm=1.0, limit=1)
    assert rows.of("train/gradient_norm/line") == pytest.approx([5.0])
    assert model.first.item() == pytest.approx(-0.6, abs=1e-5)
    assert model.second.item() == pytest.approx(-0.8, abs=1e-5)


def test_the_learning_rate_is_that_of_the_step(line):
    _, rows = line(total_images=4, warmup_images=2)
    assert rows.of("train/learning_rate/line") == pytest.approx([0.0, 0.5, 1.0, 1.0])


def test_between_two_steps_of_gathered_batches_the_last_step_is_logged(line):
    _, rows = line(accumulate_batches=2)
    assert len(rows.rows) == 4
    assert rows.of("train/gradient_norm/line") == pytest.approx([5.0, 5.0, 5.0])


@pytest.mark.parametrize(("accumulate", "computed"), [(1, 2), (2, 2), (3, 2)])
def test_a_norm_is_computed_only_where_it_is_logged(line, monkeypatch, accumulate, computed):
    calls = []
    monkeypatch.setattr(
        "textgan.training.optimization._gradient_norm", lambda _: calls.append(0) or torch.ones(())
    )
    _, rows = line(limit=12, every=6, total_images=12, accumulate_batches=accumulate)
    assert len(calls) == computed
    assert rows.rows[5]["train/gradient_norm/line"] == 1.0


def test_a_scaled_loss_changes_neither_the_norm_nor_what_clipping_leaves(line):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    plugin = MixedPrecision("16-mixed", "cpu", scaler=scaler)
    model, rows = line(gradient_clip_norm=1.0, limit=1, plugins=[plugin])
    assert rows.of("train/gradient_norm/line") == pytest.approx([5.0])
    assert model.first.item() == pytest.approx(-0.6, abs=1e-3)


def test_generator_and_discriminator_each_have_a_rate_and_a_norm(model, fitted):
    rows = Rows()
    optimizers = {
        "generator_optimizer": partial(torch.optim.SGD, lr=0.25),
        "discriminator_optimizer": partial(torch.optim.SGD, lr=0.125),
    }
    fitted(model(**optimizers, total_images=8, learning_rate_decay_start=1.0), None, rows)
    assert rows.of("train/learning_rate/generator") == [0.25, 0.25]
    assert rows.of("train/learning_rate/discriminator") == [0.125, 0.125]
    for name in ("generator", "discriminator"):
        assert all(norm > 0 for norm in rows.of(f"train/gradient_norm/{name}"))
        assert len(rows.of(f"train/gradient_norm/{name}")) == 2


def test_a_contrastive_model_logs_the_same_of_its_one_optimizer(fitted, data):
    torch.manual_seed(0)
    encoder = ResNetImageEncoder(image_size=16, width=8, base_width=4, max_width=8, num_questions=2)
    contrastive = ContrastiveModel(
        image_encoder=encoder,
        text_encoder=BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270),
        losses={"info_nce": InfoNCE()},
        optimizer=partial(torch.optim.Adam, lr=0.5),
        budget=Budget(total_images=8, learning_rate_decay_start=1.0),
        tokenizer_captions=20,
    )
    rows = Rows()
    fitted(contrastive, data(), rows)
    assert rows.of("train/learning_rate/encoders") == [0.5, 0.5]
    assert all(norm > 0 for norm in rows.of("train/gradient_norm/encoders"))
