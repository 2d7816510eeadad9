import pytest
import torch

from textgan.loss import DAMSM, AlignmentGuidance, InfoNCE, Loss
from textgan.pretrained.frozen import weights_hash
from textgan.step import ContrastiveStep

CAPTIONS = ["a red circle", "two green squares", "", "a red circle"]
NEGATIVES = ["a green circle", "two red squares", "a b c", "a red square beside a green circle"]


@pytest.fixture
def terms():
    return {"info_nce": InfoNCE(), "damsm": DAMSM(weight=0.5)}


@pytest.fixture
def guidance(encoders, terms) -> AlignmentGuidance:
    return AlignmentGuidance(**encoders, terms=terms, weight=0.3)


@pytest.fixture
def step(make_step):
    """Fields -> a step with four draws that take gradients."""

    def make(captions: list[str] = CAPTIONS, **fields):
        draws = torch.Generator().manual_seed(1)
        fake = 2 * torch.rand(len(captions), 3, 16, 16, generator=draws) - 1
        return make_step(captions=captions, **{"fake": fake.requires_grad_(), **fields})

    return make


@pytest.mark.parametrize("negatives", [None, NEGATIVES])
def test_it_is_the_weighted_sum_of_its_terms_on_the_encoders_features(
    guidance, encoders, terms, step, negatives
):
    given = step(negatives=negatives)
    contrast = ContrastiveStep(
        captions=CAPTIONS,
        text=encoders["text_encoder"](CAPTIONS),
        images=encoders["image_encoder"](given.fake),
        negatives=negatives,
        wrong_text=encoders["text_encoder"](negatives) if negatives else None,
        progress=0.0,
        gather=lambda tensor: tensor,
    )
    expected = terms["info_nce"](contrast) + 0.5 * terms["damsm"](contrast)
    torch.testing.assert_close(guidance.generator_loss(given), expected)
    assert guidance.generator_weight == 0.3


def test_a_terms_weight_may_change_on_the_way(encoders, step):
    def guided(progress: float, **weights):
        terms = {name: InfoNCE(weight=weight) for name, weight in weights.items()}
        return AlignmentGuidance(**encoders, terms=terms).generator_loss(step(progress=progress))

    whole = guided(0.0, one=1.0)
    rising = [[0.2, 0.0], [0.6, 1.0]]
    torch.testing.assert_close(guided(0.4, one=rising), 0.5 * whole)
    torch.testing.assert_close(guided(0.1, one=rising, other=2.0), 2 * whole)
    assert guided(0.1, one=rising) is None


def test_gradients_reach_each_draw_that_has_a_caption_and_no_encoder(guidance, encoders, step):
    given = step(negatives=NEGATIVES)
    guidance.generator_loss(given).backward()
    sizes = given.fake.grad.abs().flatten(1).sum(1)
    assert (sizes > 0).tolist() == [True, True, False, True]
    for part in (*encoders.values(), guidance):
        assert all(p.grad is None and not p.requires_grad for p in part.parameters())


def test_draws_of_pixels_that_follow_it_come_to_fit_their_captions(guidance, step):
    captions = ["a red circle", "two green squares", "a b c"]
    given = step(captions)
    before = guidance.generator_loss(given).item()
    optimizer = torch.optim.Adam([given.fake], lr=0.1)
    for _ in range(50):
        optimizer.zero_grad()
        guidance.generator_loss(given).backward()
        optimizer.step()
    after = guidance.generator_loss(given).item()
    assert after < before / 2
    exchanged = step([*captions[1:], captions[0]], fake=given.fake)
    assert guidance.generator_loss(exchanged).item() > max(before, 2 * after)


def test_wrong_captions_of_the_data_count(guidance, step):
    alone = guidance.generator_loss(step())
    assert guidance.generator_loss(step(negatives=NEGATIVES)) > alone
    torch.testing.assert_close(guidance.generator_loss(step(negatives=[""] * 4)), alone)


def test_it_sits_out_a_step_without_draws_and_leaves_the_discriminator_alone(guidance, make_step):
    assert guidance.samples_per_caption == 1
    assert guidance.needs == ("text_encoder",)
    assert guidance.generator_loss(make_step()) is None
    assert type(guidance).discriminator_loss is Loss.discriminator_loss


def test_the_encoders_are_in_no_state_dict_and_stay_in_eval_mode(guidance, encoders):
    assert [*guidance.state_dict()] == ["terms.info_nce.temperature.log_temperature"]
    assert len([*guidance.parameters()]) == 1
    guidance.train()
    assert not any(part.training for part in encoders.values())


def test_the_encoders_follow_to_another_precision(guidance, step):
    guidance.to(torch.float64)
    given = step()
    given.fake = given.fake.detach().double().requires_grad_()
    value = guidance.generator_loss(given)
    value.backward()
    assert value.dtype == given.fake.grad.dtype == torch.float64


def test_it_knows_what_draws_were_trained_to_please(encoders, terms):
    hashes = {name: weights_hash(part) for name, part in encoders.items()}
    guidance = AlignmentGuidance(**encoders, terms=terms)
    assert guidance.image_encoder.lineage() == {hashes["image_encoder"]}
    assert guidance.text_encoder.lineage() == {hashes["text_encoder"]}


def test_two_processes_with_captions_of_unequal_length_are_guided_as_one(
    guidance, encoders, step, on_two_processes
):
    captions, negatives = ["a", "b", "a red circle", "two green squares"], [*"bc", "a", "c b a"]
    lengths = [encoders["text_encoder"](captions[n : n + 2]).mask.shape[1] for n in (0, 2)]
    assert lengths[0] < lengths[1]
    whole = step(captions, negatives=negatives)
    expected = guidance.generator_loss(whole)
    expected.backward()
    halves = [whole.fake.detach()[n : n + 2].requires_grad_() for n in (0, 2)]

    def guided(rank, gather):
        own = slice(2 * rank, 2 * rank + 2)
        fields = {"negatives": negatives[own], "fake": halves[rank], "gather": gather, "rank": rank}
        return guidance.generator_loss(step(captions[own], **fields))

    values = on_two_processes(guided)
    for value in values:
        torch.testing.assert_close(value, expected)
    (sum(values) / 2).backward()
    torch.testing.assert_close(torch.cat([half.grad for half in halves]), whole.fake.grad)


def test_encoders_of_different_widths_are_refused(encoders, terms):
    encoders["image_encoder"].width = 6
    with pytest.raises(ValueError, match="must have one width, got 6 and 8"):
        AlignmentGuidance(**encoders, terms=terms)


def test_a_text_encoder_without_a_vocabulary_is_refused(encoders, terms):
    encoders["text_encoder"] = type(encoders["text_encoder"])(width=8, num_heads=2, vocab_size=270)
    with pytest.raises(ValueError, match="text_encoder must be fitted already"):
        AlignmentGuidance(**encoders, terms=terms)


def test_guidance_without_terms_is_refused(encoders):
    with pytest.raises(ValueError, match="terms must hold at least one contrastive term, got none"):
        AlignmentGuidance(**encoders, terms={})


def test_features_that_pretraining_left_random_are_not_looked_at(encoders, terms):
    encoders["image_encoder"].aligned = ("pooled",)
    with pytest.raises(ValueError, match="to align, pooled, but damsm uses words: pretrain"):
        AlignmentGuidance(**encoders, terms=terms)
    AlignmentGuidance(**encoders, terms={"damsm": DAMSM(words=False), "info_nce": InfoNCE()})
    AlignmentGuidance(**encoders, terms={"damsm": DAMSM(weight=0), "info_nce": InfoNCE()})
    encoders["image_encoder"].aligned = ("pooled", "words")
    AlignmentGuidance(**encoders, terms=terms)
    encoders["image_encoder"].aligned = None  # of an encoder that was saved alone
    AlignmentGuidance(**encoders, terms=terms)
