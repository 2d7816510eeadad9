"""The diffusion prior over image embeddings."""

import pytest
import torch
import torch.nn.functional as F

from textgan.diffusion import GaussianDiffusion
from textgan.prior import DiffusionPrior
from textgan.types import TextFeatures

pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")

SAMPLE = GaussianDiffusion(prediction="sample", min_snr=None)


def made(**changes: object) -> DiffusionPrior:
    torch.manual_seed(0)
    sizes = {"width": 16, "depth": 1, "num_heads": 2, "diffusion": SAMPLE}
    return DiffusionPrior(6, 6, "", **{**sizes, **changes})


def text_of(count: int, length: int = 3) -> TextFeatures:
    torch.manual_seed(count)
    pooled = F.normalize(torch.randn(count, 6), dim=1)
    return TextFeatures(
        torch.randn(count, length, 6), torch.ones(count, length, dtype=torch.bool), pooled
    )


def test_padding_and_the_rest_of_the_batch_have_no_effect():
    prior, text = made(), text_of(3)
    torch.nn.init.normal_(prior.prediction.weight)
    for block in prior.blocks:
        torch.nn.init.normal_(block.mixed.weight)
    noisy, time = torch.randn(3, 6), torch.tensor([0.1, 0.5, 0.9])
    whole = prior(noisy, time, text)
    torch.testing.assert_close(prior(noisy, time, text.pad(7)), whole)
    torch.testing.assert_close(prior(noisy[1:2], time[1:2], text[1:2]), whole[1:2])
    other = TextFeatures(text.words.flip(0), text.mask, text.pooled)
    assert (prior(noisy, time, other) - whole).abs().max() > 1e-3
    other = TextFeatures(text.words, text.mask, text.pooled.flip(0))
    assert (prior(noisy, time, other) - whole).abs().max() > 1e-3


def test_the_loss_by_hand():
    """A prediction of 0 costs the mean square of the scaled embedding, sqrt(6) e."""
    prior, text = made(), text_of(4)
    embeddings = F.normalize(torch.randn(4, 6), dim=1)
    loss = prior.loss(embeddings, text, torch.randn(4, 6), torch.randn(4))
    assert loss.item() == pytest.approx(1.0, abs=1e-5)


def test_the_nearest_draw_to_the_caption_is_kept(monkeypatch):
    prior, text = made(draws=3), text_of(2)
    noise = torch.randn(2, 3, 6)
    monkeypatch.setattr(  # an embedding that is the start noise of the draw
        "textgan.prior.diffusion.sampled", lambda diffusion, predict, noise, **_: noise
    )
    found = prior.sample(text, noise)
    for row in range(2):
        cosines = F.cosine_similarity(noise[row], text.pooled[row : row + 1])
        best = F.normalize(noise[row, cosines.argmax()], dim=0)
        torch.testing.assert_close(found[row], best)


def test_it_learns_the_embedding_of_each_caption():
    torch.manual_seed(1)
    prior, text = made(width=32), text_of(4)
    known = F.normalize(torch.randn(4, 6), dim=1)
    optimizer = torch.optim.AdamW(prior.parameters(), lr=3e-3)
    for _ in range(300):
        loss = prior.loss(known, text, torch.randn(4, 6), torch.randn(4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    noise = torch.randn(4, 2, 6)
    assert (prior.sample(text, noise) * known).sum(1).min() > 0.95
    guided = prior.sample(text, noise, guidance_scale=2.0, empty=text_of(5)[:1])
    assert not torch.equal(guided, prior.sample(text, noise))


def test_what_does_not_fit_is_a_sentence():
    for name in ("depth", "draws"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
            made(**{name: 0})
    with pytest.raises(ValueError, match="guidance needs the features of the empty caption"):
        made().sample(text_of(1), torch.randn(1, 2, 6), guidance_scale=2.0)
