"""The module that is traced for an export: token ids and noise -> images."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from textgan.caption.tokenizer import Tokenizer
from textgan.export.files import INPUTS
from textgan.pipeline import Pipeline


class SamplingGraph(nn.Module):
    """The computation from token ids and noise to images, in float32, on the CPU.

    Args:
        pipeline: with the ability "one_graph"; it is copied.

    Raises:
        TypeError: it lacks the ability, or its text encoder has no tokenizer.
        ValueError: its text encoder has no vocabulary.
    """

    def __init__(self, pipeline: Pipeline):
        super().__init__()
        if "one_graph" not in pipeline.abilities:
            kind = type(pipeline).__name__
            raise TypeError(f'pipeline must have the ability "one_graph", got a {kind}')
        encoder = pipeline.text_encoder
        if not hasattr(encoder, "tokenizer"):
            kind = type(encoder).__name__
            raise TypeError(f"text_encoder must be computed from token ids, got {kind}")
        if not encoder.is_fitted:
            raise ValueError("text_encoder must have been trained, but it has no vocabulary")
        pipeline = pipeline.for_sampling()
        self.pipeline = copy.deepcopy(pipeline).cpu().float().eval().requires_grad_(False)

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that makes the token ids."""
        return self.pipeline.text_encoder.tokenizer

    def forward(self, token_ids: Tensor, mask: Tensor, noise: Tensor) -> Tensor:
        """(B, L) int64, (B, L) bool, (B, *noise_shape) -> images (B, C, H, W) in [-1, 1]."""
        text = self.pipeline.text_encoder.from_tokens(token_ids, mask)
        return self.pipeline.generate_from(noise, text)

    def example(self, batch: int = 2, length: int = 3) -> tuple[Tensor, Tensor, Tensor]:
        """Return valid inputs of `forward`, whose captions are padding tokens alone."""
        token_ids = torch.full((batch, length), self.tokenizer.pad_id)
        mask = torch.arange(length).expand(batch, length) < length - 1
        return token_ids, mask, torch.zeros(batch, *self.pipeline.noise_shape)


def dynamic_shapes(max_length: int) -> dict[str, dict[int, Dim]]:
    """Return the sizes of the inputs that may differ from the example's."""
    batch, length = Dim("batch", min=1), Dim("length", min=1, max=max_length)
    tokens = {0: batch, 1: length}
    return dict(zip(INPUTS, (tokens, tokens, {0: batch}), strict=True))


def trace(graph: SamplingGraph) -> ExportedProgram:
    """Trace the graph for any batch size and any length up to the encoder's longest caption."""
    twin = copy.deepcopy(graph)
    _scan_recurrences(twin)
    shapes = dynamic_shapes(graph.tokenizer.max_length)
    with torch.no_grad():
        return torch.export.export(twin, graph.example(), dynamic_shapes=shapes)


class _ScannedGRU(nn.Module):
    """A torch.nn.GRU of one layer and one direction, as a scan over the words.

    Torch's own GRU would be unrolled by the tracer, over the length of the example.
    """

    def __init__(self, gru: nn.GRU):
        super().__init__()
        if gru.num_layers > 1 or gru.bidirectional or not gru.batch_first or not gru.bias:
            raise ValueError(f"a GRU must be of one layer and one direction, got {gru}")
        self.gru = gru

    def forward(self, words: Tensor) -> tuple[Tensor, None]:
        """(B, L, D) -> (B, L, hidden), and None in the place of the last state."""
        # Private to torch, and the only recurrence that its tracer keeps; test_graph.py uses it.
        from torch._higher_order_ops.scan import scan

        gru = self.gru
        gates = F.linear(words, gru.weight_ih_l0, gru.bias_ih_l0)  # (B, L, 3 hidden)

        def step(state: Tensor, gate: Tensor) -> tuple[Tensor, Tensor]:
            reset, update, new = gate.chunk(3, -1)
            after = F.linear(state, gru.weight_hh_l0, gru.bias_hh_l0).chunk(3, -1)
            new = torch.tanh(new + torch.sigmoid(reset + after[0]) * after[2])
            state = new + torch.sigmoid(update + after[1]) * (state - new)
            return state, state.clone()  # a scan refuses one tensor at two places

        start = words.new_zeros(words.shape[0], gru.hidden_size)
        return scan(step, start, gates, dim=1)[1], None


def _scan_recurrences(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.GRU):
            setattr(module, name, _ScannedGRU(child))
        else:
            _scan_recurrences(child)
