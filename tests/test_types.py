import pytest
import torch

from textgan.step import AdversarialStep
from textgan.types import Batch, Gaussian, TextFeatures


def text(size: int, length: int) -> TextFeatures:
    mask = torch.arange(length) < torch.arange(1, size + 1)[:, None]
    return TextFeatures(torch.randn(size, length, 4), mask, torch.randn(size, 4))


def test_a_batch_goes_to_a_device_with_its_tensors_and_keeps_the_rest():
    batch = Batch(torch.zeros(2, 3, 4, 4), ["a", "b"], torch.arange(2), negatives=["b", "a"])
    moved = batch.to("meta")
    assert moved.images.device.type == moved.index.device.type == "meta"
    assert (moved.captions, moved.negatives) == (batch.captions, batch.negatives)
    assert batch.images.device.type == "cpu"
    assert len(moved) == 2


def test_rows_of_text_are_taken_together():
    whole = text(3, 5)
    for rows in (slice(1, 3), torch.tensor([2, 0])):
        part = whole[rows]
        assert torch.equal(part.words, whole.words[rows])
        assert torch.equal(part.mask, whole.mask[rows])
        assert torch.equal(part.pooled, whole.pooled[rows])
        assert len(part) == 2


def test_padding_adds_masked_places_and_nothing_else():
    short = text(2, 3)
    longer = short.pad(5)
    assert torch.equal(longer.words[:, :3], short.words)
    assert torch.equal(longer.mask[:, :3], short.mask)
    assert not longer.mask[:, 3:].any()
    assert not longer.words[:, 3:].any()
    assert longer.pooled is short.pooled
    assert short.pad(3) is short


def test_batches_of_different_lengths_are_joined_by_padding():
    one, two = text(2, 3), text(4, 6)
    both = TextFeatures.cat([one, two])
    assert both.words.shape == (6, 6, 4)
    assert torch.equal(both.mask.sum(1), torch.cat([one.mask.sum(1), two.mask.sum(1)]))
    assert torch.equal(both[slice(2, 6)].words, two.words)
    assert torch.equal(both.words[:2, :3], one.words)
    assert torch.equal(both.pooled, torch.cat([one.pooled, two.pooled]))


def test_repeating_puts_the_copies_of_a_caption_in_a_row():
    few = text(2, 3)
    many = few.repeat_interleave(3)
    assert torch.equal(many.pooled, few.pooled[[0, 0, 0, 1, 1, 1]])
    assert torch.equal(many.words, few.words[[0, 0, 0, 1, 1, 1]])
    assert torch.equal(many.mask, few.mask[[0, 0, 0, 1, 1, 1]])


def test_detached_text_teaches_nobody():
    words, pooled = torch.randn(2, 3, 4, requires_grad=True), torch.randn(2, 4, requires_grad=True)
    cut = TextFeatures(words, torch.ones(2, 3, dtype=torch.bool), pooled).detach()
    assert not cut.words.requires_grad
    assert not cut.pooled.requires_grad
    assert torch.equal(cut.words, words)


def test_a_posterior_samples_its_mean_and_spread():
    q = Gaussian(torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, 4.0]]).log())  # sigma 0 and 2
    drawn = q.sample(torch.tensor([[5.0, 3.0]]))
    assert drawn[0, 0] == pytest.approx(1.0)
    assert drawn[0, 1] == pytest.approx(-2.0 + 2 * 3.0)


def test_standardising_undoes_sampling():
    torch.manual_seed(0)
    q, noise = Gaussian(torch.randn(5, 3), torch.randn(5, 3)), torch.randn(5, 3)
    torch.testing.assert_close(q.standardise(q.sample(noise)), noise)
    assert not Gaussian(q.mean.requires_grad_(), q.log_variance).detach().mean.requires_grad


def test_captions_have_equal_ids_where_and_only_where_they_are_equal():
    step = AdversarialStep(
        real=torch.zeros(4, 3, 2, 2),
        captions=["a red circle", "", "a red circle", "A red circle"],
        text=text(4, 4),
        images_seen=0,
        progress=0.0,
        step_index=0,
        discriminator=None,
        randn=torch.randn,
        gather=lambda tensor: torch.cat([tensor, tensor]),
    )
    ids = step.caption_ids()
    assert ids.dtype == torch.int64
    assert len(ids) == 8
    assert ids[0] == ids[2] == ids[4]
    assert len(set(ids.tolist())) == 3
