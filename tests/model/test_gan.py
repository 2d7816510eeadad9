import copy
import warnings
from functools import partial
from itertools import pairwise

import pytest
import pytorch_lightning as pl
import torch

from textgan.discriminator import ProjectionDiscriminator
from textgan.generator import AttentionGenerator
from textgan.loss import KL, Match, Mismatch, Reconstruction, RpGAN
from textgan.posterior import ConvolutionPosterior
from textgan.seed import seed_from
from textgan.text_encoder import BertTextEncoder


class AfterEachBatch(pl.Callback):
    """Keeps what `look` sees of the model after each batch."""

    def __init__(self, look):
        self.look, self.seen = look, []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.seen.append(self.look(pl_module))


def weights(module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def test_a_step_is_a_batch_and_the_images_are_counted(model, fitted):
    steps = AfterEachBatch(lambda m: (m.trainer.global_step, int(m.images_seen)))
    trained = fitted(model(total_images=18), None, steps)
    assert steps.seen == [(1, 4), (2, 8), (3, 12), (4, 16), (5, 20)]
    assert fitted.trainer.global_step == 5
    assert trained.state_dict()["images_seen"] == 20
    assert trained.images_seen.dtype == torch.int64


def test_the_discriminator_learns_from_its_start_on_and_not_before(model, fitted):
    discriminators = AfterEachBatch(lambda m: weights(m.discriminator))
    first = model(total_images=16, discriminator_start=0.5)
    before = weights(first.discriminator)
    fitted(first, None, discriminators)
    chain = [before, *discriminators.seen]
    changed = [not torch.equal(a, b) for a, b in pairwise(chain)]
    assert changed == [False, False, True, True]


def test_without_a_posterior_the_discriminator_starts_at_once(model, fitted):
    gan = model(posterior=None, losses={"rpgan": RpGAN()}, discriminator_start=0.9, total_images=4)
    before = weights(gan.discriminator)
    assert not torch.equal(weights(fitted(gan).discriminator), before)


@pytest.mark.parametrize("still", ["generator", "discriminator"])
def test_each_optimizer_trains_its_own_parts_only(model, fitted, still):
    still_optimizer = {f"{still}_optimizer": partial(torch.optim.SGD, lr=0.0)}
    first = model(losses={**model().losses, "match": Match()}, **still_optimizer)
    owned = {
        "generator": [first.generator, first.text_encoder, first.posterior],
        "discriminator": [first.discriminator, first.losses],
    }
    before = {name: [weights(part) for part in parts] for name, parts in owned.items()}
    fitted(first)
    for name, parts in owned.items():
        changed = [
            not torch.equal(old, weights(part))
            for old, part in zip(before[name], parts, strict=True)
        ]
        assert changed == [name != still] * len(parts)


def test_the_optimizers_share_every_trainable_weight_out_between_them(model):
    first = model(losses={**model().losses, "match": Match()})
    owned = [
        {id(p) for group in optimizer.param_groups for p in group["params"]}
        for optimizer in first.configure_optimizers()
    ]
    assert not owned[0] & owned[1]
    assert owned[0] | owned[1] == {id(p) for p in first.parameters() if p.requires_grad}


def test_the_turn_of_the_discriminator_gives_the_other_parts_no_gradient(
    model, fitted, monkeypatch
):
    first, reached = model(total_images=4), {}

    def look(step, log, *, score):
        for name in ("generator", "text_encoder", "posterior", "discriminator"):
            gradients = [p.grad for p in getattr(first, name).parameters()]
            reached[name] = any(gradient is not None for gradient in gradients)
        return torch.zeros((), requires_grad=True)

    monkeypatch.setattr(first.game, "generator_loss", look)
    fitted(first)
    none = dict.fromkeys(("generator", "text_encoder", "posterior"), False)
    assert reached == {**none, "discriminator": True}


def test_the_turn_of_the_generator_leaves_the_gradients_of_the_discriminator_alone(
    model, fitted, monkeypatch
):
    first, found = model(losses={**model().losses, "match": Match()}, total_images=4), []
    optimize, owned = first.step_optimizer, [*first.discriminator.parameters()]
    owned.append(first.losses["match"].temperature.log_temperature)

    def look(name, loss, log):
        before = [p.grad.clone() for p in owned] if name == "generator" else []
        optimize(name, loss, log)
        found.extend(map(torch.equal, before, [p.grad for p in owned]))

    monkeypatch.setattr(first, "step_optimizer", look)
    fitted(first)
    assert found == [True] * len(owned)


def test_the_discriminator_reads_text_that_it_cannot_teach(model, fitted):
    first, taught = model(total_images=8), []
    first.discriminator.register_forward_pre_hook(
        lambda module, given: taught.append(given[1].pooled.requires_grad)
    )
    fitted(first)
    assert taught.count(False) == len(taught) > 0


def test_the_discriminator_meets_the_wrong_captions_that_the_data_brings(model, data, fitted):
    met = []

    class Meeting(Mismatch):
        def discriminator_loss(self, step):
            met.append(step.wrong_text)
            return super().discriminator_loss(step)

    first = model(total_images=12, discriminator_start=0.5)
    first.losses["mismatch"] = Meeting()
    fitted(first, data(negatives=1))
    assert [len(text) for text in met] == [4]  # of three batches the last is beyond the start
    assert not met[0].pooled.requires_grad
    met.clear()
    plain = model(total_images=12, discriminator_start=0.5)
    plain.losses["mismatch"] = Meeting()
    fitted(plain)
    assert met == [None]


def test_the_discriminator_is_trainable_again_after_the_turn_of_the_generator(model, fitted):
    trained = fitted(model())
    assert all(p.requires_grad for p in trained.discriminator.parameters())


def test_the_average_is_that_of_a_hand_computation(model, fitted):
    first = model(ema_half_life_images=8)
    expected = {"generator": weights(first.generator), "text_encoder": weights(first.text_encoder)}
    history = AfterEachBatch(lambda m: {name: weights(getattr(m, name)) for name in expected})
    fitted(first, None, history)
    for step, now in enumerate(history.seen):
        half_life = min(8, 0.05 * 4 * (step + 1))
        kept = 0.5 ** (4 / half_life)
        for name, value in now.items():
            expected[name] = kept * expected[name] + (1 - kept) * value
    for name, value in expected.items():
        torch.testing.assert_close(weights(first.ema.averaged[name]), value)
        assert not torch.allclose(weights(getattr(first, name)), value)


@pytest.mark.parametrize(
    "changes",
    [
        {"posterior": None, "losses": {"rpgan": RpGAN()}},
        {"discriminator": None, "losses": {"reconstruction": Reconstruction(), "kl": KL()}},
    ],
    ids=["plain GAN", "pixels only"],
)
def test_each_half_of_the_vae_gan_trains_alone(model, fitted, changes):
    first = model(**{**changes, "losses": copy.deepcopy(changes["losses"])})
    parts = [p for p in (first.generator, first.discriminator, first.posterior) if p is not None]
    before = [weights(part) for part in parts]
    fitted(first)
    assert fitted.trainer.global_step == 5
    assert all(not torch.equal(old, weights(part)) for old, part in zip(before, parts, strict=True))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (1.0, 20)])
def test_dropped_captions_are_empty_ones(model, fitted, share, expected):
    first, read = model(caption_dropout=share), []
    first.text_encoder.register_forward_pre_hook(lambda module, given: read.extend(given[0]))
    fitted(first)
    assert len(read) == 20
    assert read.count("") == expected


SGD = partial(torch.optim.SGD, lr=1.0)


def test_clipping_bounds_the_step_of_each_optimizer(model, fitted):
    first = model(
        generator_optimizer=SGD,
        discriminator_optimizer=SGD,
        gradient_clip_norm=1e-3,
        total_images=4,
    )
    groups = [
        [first.generator, first.text_encoder, first.posterior],
        [first.discriminator],
    ]
    before = [torch.cat([weights(part) for part in parts]) for parts in groups]
    fitted(first)
    for old, parts in zip(before, groups, strict=True):
        moved = torch.cat([weights(part) for part in parts]) - old
        assert moved.norm().item() == pytest.approx(1e-3, rel=0.01)


def test_a_tokenizer_is_fitted_for_both_the_model_and_its_average(model, fitted):
    first = model()
    assert not first.text_encoder.is_fitted
    fitted(first)
    assert first.text_encoder.is_fitted
    assert first.ema.averaged["text_encoder"].is_fitted
    assert first.pipeline()("a red circle", output_type="pt").images.shape == (1, 3, 16, 16)


def test_captions_that_are_cut_are_counted_once_over_the_data_whoever_made_the_vocabulary(
    model, data, trainer
):
    made = model(
        text_encoder=BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270, max_length=8)
    )
    made.text_encoder.fit_tokenizer(["a"])
    made.ema.copy_from({"generator": made.generator, "text_encoder": made.text_encoder})
    with pytest.warns(UserWarning, match="^20 of 20 captions were cut to max_length = 8 tokens"):
        trainer().fit(made, datamodule=data())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.pipeline()("a large red circle on a blue background")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("generator", AttentionGenerator(sample_shape=(3, 16, 16), text_width=16, noise_width=3)),
        ("discriminator", ProjectionDiscriminator(sample_shape=(3, 16, 16), text_width=16)),
        ("posterior", ConvolutionPosterior(sample_shape=(3, 16, 16), text_width=16, noise_width=3)),
    ],
)
def test_a_part_for_text_features_of_another_width_is_refused(model, name, part):
    rule = f"text_width of the {name} must be the text encoder's width, 8, got 16"
    with pytest.raises(ValueError, match=rule):
        model(**{name: part})


def test_a_posterior_over_another_noise_is_refused(model):
    other = ConvolutionPosterior(sample_shape=(3, 16, 16), text_width=8, noise_width=5)
    with pytest.raises(ValueError, match="posterior and generator must have one noise shape"):
        model(posterior=other)


def test_a_reconstruction_is_drawn_from_the_posteriors_own_z(model, data, trainer):
    trained = model()
    for weight in trained.generator.text_prior.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    drawn, render = [], trained.generator.style.forward

    def look(z, text):
        drawn.append(z.detach())
        return render(z, text)

    trained.generator.style.forward = look
    posterior = trained.posterior.forward
    said = []
    trained.posterior.forward = lambda *given: said.append(posterior(*given)) or said[-1]
    batches = {"max_steps": 1, "enable_checkpointing": False}
    trainer(**batches).fit(trained, data())
    z, q = drawn[0][:4], said[0]
    keyed = torch.Generator().manual_seed(seed_from(trained.seed, 0))
    torch.rand(4, generator=keyed)  # caption dropout's
    expected = q.sample(torch.randn(4, 3, generator=keyed))
    torch.testing.assert_close(z, expected.detach(), atol=1e-4, rtol=0)


def test_the_kl_term_moves_the_prior_and_a_plain_gan_does_not(model, fitted):
    def prior(trained):
        return weights(trained.generator.text_prior)

    vae = model(total_images=8)
    before = prior(vae)
    assert not torch.equal(prior(fitted(vae)), before)
    plain = model(total_images=8, posterior=None, losses={"rpgan": RpGAN()})
    before = prior(plain)
    assert torch.equal(prior(fitted(plain)), before)
