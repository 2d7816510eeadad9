"""Loggers that Lightning lacks, and the hyperparameters of a run for all loggers."""

from textgan.logger.csv import CSVLogger
from textgan.logger.hyperparameters import LogHyperparameters

__all__ = ["CSVLogger", "LogHyperparameters"]
