"""An image embedding as a condition of a denoiser."""

import pytest
import torch
import torch.nn.functional as F

from textgan.denoiser import EmbeddingCondition
from textgan.types import TextFeatures


def made() -> EmbeddingCondition:
    torch.manual_seed(0)
    return EmbeddingCondition(4, text_width=3, num_words=2)


def text() -> TextFeatures:
    mask = torch.tensor([[True, True, False], [True, True, True]])
    return TextFeatures(torch.randn(2, 3, 3), mask, torch.randn(2, 3))


def test_it_adds_to_the_pooled_text_and_puts_words_before_the_others():
    condition, before = made(), text()
    embeddings = F.normalize(torch.randn(2, 4), dim=1)
    after = condition(before, embeddings)
    known = embeddings * 2  # sqrt(4)
    torch.testing.assert_close(after.pooled, before.pooled + condition.pooled(known))
    torch.testing.assert_close(after.words[:, :2].flatten(1), condition.words(known))
    assert torch.equal(after.words[:, 2:], before.words)
    expected = [[True, True, True, True, False], [True] * 5]
    assert after.mask.tolist() == expected


def test_an_embedding_that_is_left_out_has_no_effect():
    condition, before = made(), text()
    embeddings = F.normalize(torch.randn(2, 4), dim=1)
    none, all_of_them = condition(before, None), condition(before, embeddings)
    one = condition(before, embeddings, torch.tensor([False, True]))
    assert torch.equal(one.pooled[0], none.pooled[0])
    assert torch.equal(one.words[1], all_of_them.words[1])
    assert not torch.equal(none.pooled[1], all_of_them.pooled[1])


def test_what_does_not_fit_is_a_sentence():
    with pytest.raises(ValueError, match="num_words must be at least 1, got 0"):
        EmbeddingCondition(4, text_width=3, num_words=0)
