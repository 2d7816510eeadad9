"""Small encoders to look at."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from torch import nn

from textgan.caption.tokenizer import Tokenizer
from textgan.text_encoder import BertTextEncoder, PretrainedTextEncoder

CAPTIONS = [
    "a red circle on a blue field",
    "",
    "两个绿色的方块在白色背景上",
    "Кошка сидит на коврике",
]


@pytest.fixture(scope="session")
def save_tiny() -> Callable[..., str]:
    """Writes a random encoder of transformers and its tokenizer, as they lie on the hub."""

    def save(folder: Path, kind: str, longest: int = 30) -> str:
        tokenizer = Tokenizer(300, 24)
        tokenizer.fit(CAPTIONS * 2)
        (folder / "own.json").write_bytes(bytes(tokenizer.get_extra_state().tolist()))
        transformers.PreTrainedTokenizerFast(
            tokenizer_file=str(folder / "own.json"), pad_token="<pad>", model_max_length=longest
        ).save_pretrained(folder)
        config = transformers.AutoConfig.for_model(
            kind,
            vocab_size=300,
            hidden_size=24,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=longest + 10,
        )
        transformers.AutoModel.from_config(config).save_pretrained(folder)
        return str(folder)

    return save


@pytest.fixture(scope="session")
def tiny(tmp_path_factory, save_tiny) -> str:
    """The folder of a tiny BERT."""
    return save_tiny(tmp_path_factory.mktemp("tiny"), "bert")


@pytest.fixture
def scratch() -> Callable[..., BertTextEncoder]:
    """Makes the same fitted BERT from scratch each time, but for the arguments."""

    def make(**arguments) -> BertTextEncoder:
        torch.manual_seed(0)
        small = {"width": 16, "hidden_width": 24, "depth": 1, "num_heads": 2}
        encoder = BertTextEncoder(**small, vocab_size=400, max_length=32, **arguments)
        encoder.fit_tokenizer(CAPTIONS * 2)
        return encoder

    return make


@pytest.fixture
def pretrained(tiny) -> Callable[..., PretrainedTextEncoder]:
    """Makes the same frozen pretrained encoder each time, but for the arguments."""

    def make(**arguments) -> PretrainedTextEncoder:
        torch.manual_seed(0)
        given = {"width": 16, "max_length": 24, "frozen": True} | arguments
        return PretrainedTextEncoder(pretrained=tiny, **given)

    return make


@pytest.fixture
def count_calls() -> Callable[[nn.Module], list[int]]:
    """Makes a list that grows by the batch's size whenever a net is called."""

    def count(net: nn.Module) -> list[int]:
        sizes: list[int] = []
        net.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
        return sizes

    return count
