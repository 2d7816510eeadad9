"""A small network on top of the features of a pretrained one."""

from torch import nn


def projection(
    in_width: int, out_width: int, *, hidden_width: int | None = None, dropout: float = 0.0
) -> nn.Sequential:
    """Layers (B, in_width) -> (B, out_width): normalisation, dropout, and one or two linear layers.

    Args:
        in_width: of the features.
        out_width: of the result.
        hidden_width: width between the two layers; None has one layer only.
        dropout: probability, on the features and between the layers.

    Raises:
        ValueError: a number is out of range.
    """
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), got {dropout}")
    if hidden_width is not None and hidden_width < 1:
        raise ValueError(f"projection_width must be at least 1, got {hidden_width}")
    layers = [nn.LayerNorm(in_width, elementwise_affine=False), nn.Dropout(dropout)]
    if hidden_width is not None:
        layers += [nn.Linear(in_width, hidden_width), nn.GELU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(hidden_width or in_width, out_width))
