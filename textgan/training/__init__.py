"""What every LightningModule shares: optimizers, averages, terms and checkpoints."""
