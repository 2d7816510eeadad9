import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from torch import nn
from torch.utils.data import DataLoader

from textgan.training.budget import Budget
from textgan.types import Batch


class Pipeline:
    def sample(self, captions: list[str], *, seed: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.rand(len(captions), 3, 8, 8, generator=generator)


class Counting(pl.LightningModule):
    """Counts images as GANModel does, and stops at total_images."""

    def __init__(self, total_images: int = 40):
        super().__init__()
        self.budget, self.layer = Budget(total_images), nn.Linear(1, 1)
        self.register_buffer("images_seen", torch.zeros((), dtype=torch.int64))

    def pipeline(self) -> Pipeline:
        return Pipeline()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        self.images_seen += len(batch)
        self.log_dict({"train/loss": 0.5, "step": float(self.images_seen)}, batch_size=len(batch))
        self.trainer.should_stop |= bool(self.images_seen >= self.budget.total_images)
        return self.layer(torch.ones(1, 1)).square().sum()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        pass

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        pass

    def predict_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        return batch.images


class Batches(pl.LightningDataModule):
    """Endless batches of four, and two batches to test, whose captions repeat."""

    def loader(self, batches: int) -> DataLoader:
        rows = [(n, f"caption {n % 3}") for n in range(4)] * batches
        return DataLoader(rows, batch_size=4, collate_fn=collate)

    def train_dataloader(self) -> DataLoader:
        return self.loader(1000)

    def val_dataloader(self) -> DataLoader:
        return self.loader(2)

    test_dataloader = predict_dataloader = val_dataloader


def collate(rows: list[tuple[int, str]]) -> Batch:
    index = torch.tensor([n for n, _ in rows])
    return Batch(torch.zeros(len(rows), 3, 8, 8), [caption for _, caption in rows], index)


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def batches() -> Batches:
    return Batches()


@pytest.fixture
def trainer(tmp_path):
    """A trainer whose run folder is tmp_path: callbacks -> Trainer."""

    def make(*callbacks: pl.Callback, **options: object) -> pl.Trainer:
        saving = any(isinstance(callback, Checkpoint) for callback in callbacks)
        settings = {"logger": False, "enable_progress_bar": False, "limit_val_batches": 0}
        return pl.Trainer(
            accelerator="cpu",
            callbacks=[*callbacks],
            default_root_dir=str(tmp_path),
            enable_checkpointing=saving,
            enable_model_summary=False,
            max_epochs=1,
            log_every_n_steps=1,
            **{**settings, **options},
        )

    return make
