"""The choice between the bundled models."""

from collections.abc import Sequence
from pathlib import Path


def nearest(captions: Sequence[str]) -> Path:
    """The bundled model whose vocabulary fits the captions best: it has the fewest tokens for them.

    A word that a model was trained on is one token or few, and another word is cut into many. Of
    equal models the first is taken.

    Args:
        captions: without weights of words.
    """
    from safetensors import safe_open

    from textgan.caption.tokenizer import Tokenizer
    from textgan.weights import BUNDLED

    def tokens(folder: Path) -> int:
        with safe_open(folder / "model.safetensors", "pt") as file:
            state = file.get_tensor("text_encoder.tokenizer._extra_state")
        tokenizer = Tokenizer(len(state), max_length=1_000)
        tokenizer.set_extra_state(state)
        return sum(len(spans) for spans in tokenizer.spans(list(captions)))

    return min(BUNDLED.values(), key=tokens)
