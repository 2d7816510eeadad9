"""The parts that all LightningModules share: optimizers, averages, terms and checkpoints."""
