"""The table of a model's parts that is printed before training."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelSummary as LightningModelSummary
from pytorch_lightning.callbacks import RichModelSummary
from rich.console import Console
from rich.table import Table

_COLUMNS = ("Name", "Type", "Params")


class ModelSummary(LightningModelSummary):
    """Name, class and number of parameters of each part, then the sums.

    Lightning's own tables end with a count of floating-point operations. The count needs an example
    input, which our models do not have, so that it would always be 0.
    """

    @staticmethod
    def summarize(
        summary_data: list[tuple[str, list[str]]],
        total_parameters: int,
        trainable_parameters: int,
        *_: Any,
        **options: Any,
    ) -> None:
        """Print the table.

        Args:
            summary_data: (column, its cells) of Lightning's table, from the left.
            total_parameters: number in all parts.
            trainable_parameters: number of those that require gradients.
            options: `header_style` of the table, as rich writes it.
        """
        columns = dict(summary_data)
        table = Table(header_style=options.get("header_style", "bold"))
        for name in _COLUMNS:
            table.add_column(name, justify="right" if name == "Params" else "left")
        for row in zip(*(columns[name] for name in _COLUMNS), strict=True):
            table.add_row(*row)
        still = total_parameters - trainable_parameters
        console = Console()
        console.print(table)
        console.print(f"{trainable_parameters:,} parameters are trained, {still:,} are not")


def use_own_summary(callbacks: list[pl.Callback]) -> None:
    """Replace each summary of Lightning's in the list by ours, with the same depth."""
    for place, callback in enumerate(callbacks):
        if type(callback) in (LightningModelSummary, RichModelSummary):
            callbacks[place] = ModelSummary(callback._max_depth, **callback._summarize_kwargs)
