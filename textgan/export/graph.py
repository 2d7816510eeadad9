"""From tokens and noise to pictures: the one module that is traced."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from textgan.export.files import INPUTS
from textgan.pipeline import Pipeline
from textgan.text_encoder.base import TextEncoder
from textgan.text_encoder.bert import BertTextEncoder
from textgan.text_encoder.frozen import FrozenTextEncoder


class DrawingGraph(nn.Module):
    """A pipeline from its tokenizer's end on, in float32, on the CPU, without caches.

    Args:
        pipeline: with the ability "one_graph"; it is copied.

    Raises:
        TypeError: it lacks the ability, or its text encoder reads no tokens.
        ValueError: it has no vocabulary.
    """

    def __init__(self, pipeline: Pipeline):
        super().__init__()
        if "one_graph" not in pipeline.abilities:
            kind = type(pipeline).__name__
            raise TypeError(f'pipeline must have the ability "one_graph", got a {kind}')
        token_encoder(pipeline.text_encoder)  # refuses before anything is copied
        self.pipeline = copy.deepcopy(pipeline).cpu().float().eval().requires_grad_(False)

    @property
    def text_encoder(self) -> BertTextEncoder:
        """What reads the tokens."""
        return token_encoder(self.pipeline.text_encoder)

    def forward(self, token_ids: Tensor, mask: Tensor, noise: Tensor) -> Tensor:
        """(B, L) int64, (B, L) bool, (B, *noise_shape) -> images (B, C, H, W) in [-1, 1]."""
        return self.pipeline.generate_from(noise, self.text_encoder.from_tokens(token_ids, mask))

    def example(self, batch: int = 2, length: int = 3) -> tuple[Tensor, Tensor, Tensor]:
        """What `forward` can be given: captions of begin and padding tokens alone."""
        token_ids = torch.full((batch, length), self.text_encoder.tokenizer.pad_id)
        mask = torch.arange(length).expand(batch, length) < length - 1
        return token_ids, mask, torch.zeros(batch, *self.pipeline.noise_shape)


def token_encoder(encoder: TextEncoder) -> BertTextEncoder:
    """What reads tokens inside a text encoder that may be frozen.

    Raises:
        TypeError: nothing does.
        ValueError: it has no vocabulary.
    """
    while isinstance(encoder, FrozenTextEncoder):
        encoder = encoder.encoder
    if not isinstance(encoder, BertTextEncoder):
        kind = type(encoder).__name__
        raise TypeError(f"text_encoder must be a BertTextEncoder, frozen or not, got {kind}")
    if not encoder.is_fitted:
        raise ValueError("text_encoder must have been trained, but it has no vocabulary")
    return encoder


def dynamic_shapes(max_length: int) -> dict[str, dict[int, Dim]]:
    """Which sizes of the inputs may be others than the example's."""
    batch, length = Dim("batch", min=1), Dim("length", min=1, max=max_length)
    tokens = {0: batch, 1: length}
    return dict(zip(INPUTS, (tokens, tokens, {0: batch}), strict=True))


def trace(graph: DrawingGraph) -> ExportedProgram:
    """The graph for any number of captions of any length up to the encoder's longest."""
    twin = copy.deepcopy(graph)
    _scan_recurrences(twin)
    shapes = dynamic_shapes(graph.text_encoder.tokenizer.max_length)
    with torch.no_grad():
        return torch.export.export(twin, graph.example(), dynamic_shapes=shapes)


class _ScannedGRU(nn.Module):
    """A torch.nn.GRU of one layer and one direction, as a scan over the words.

    The tracer unrolls torch's own over the length of the example.
    """

    def __init__(self, gru: nn.GRU):
        super().__init__()
        if gru.num_layers > 1 or gru.bidirectional or not gru.batch_first or not gru.bias:
            raise ValueError(f"a GRU must be of one layer and one direction, got {gru}")
        self.gru = gru

    def forward(self, words: Tensor) -> tuple[Tensor, None]:
        """(B, L, D) -> (B, L, hidden), and None in the place of the last state."""
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
