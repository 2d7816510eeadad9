"""Noisy samples, what is predicted from them, and the schedulers of diffusers."""

import sys

import pytest
import torch

from textgan.diffusion import (
    Diffusion,
    FlowDiffusion,
    GaussianDiffusion,
    alphas_cumprod,
    inverted,
    resumed,
    times_of,
)
from textgan.errors import ConfigError

pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")

PREDICTIONS = ["epsilon", "velocity", "sample"]
GAUSSIANS = [GaussianDiffusion(prediction=prediction) for prediction in PREDICTIONS]
ALL = [FlowDiffusion(), *GAUSSIANS]
SAMPLED = [
    *(FlowDiffusion(sampler=name) for name in FlowDiffusion.samplers),
    *(
        GaussianDiffusion(sampler=name, prediction=prediction)
        for name in GaussianDiffusion.samplers
        for prediction in PREDICTIONS
    ),
]


def name(diffusion: Diffusion) -> str:
    return f"{type(diffusion).__name__}-{diffusion.sampler}-{getattr(diffusion, 'prediction', '')}"


@pytest.fixture
def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Samples and noise (500, 2, 3, 3), and normal numbers (500,)."""
    torch.manual_seed(0)
    return torch.randn(500, 2, 3, 3), torch.randn(500, 2, 3, 3), torch.randn(500)


@pytest.mark.parametrize("diffusion", ALL, ids=name)
def test_the_target_gives_the_sample_again(diffusion, drawn):
    samples, noise, random = drawn
    noised = diffusion.noised(samples, noise, random)
    assert (noised.time >= 0).all()
    assert (noised.time <= 1).all()
    early = noised.time < 0.95  # later there is hardly any sample left to divide by
    found = diffusion.clean(noised.target, noised.values, noised.time)
    torch.testing.assert_close(found[early], samples[early], atol=1e-3, rtol=1e-3)


def test_a_flow_is_a_straight_line(drawn):
    samples, noise, _ = drawn
    flow = FlowDiffusion(time_mean=-1.0, time_deviation=0.5)
    noised = flow.noised(samples, noise, torch.full((500,), 2.0))
    time = torch.sigmoid(torch.tensor(-1.0 + 0.5 * 2.0))
    torch.testing.assert_close(noised.time, time.expand(500))
    torch.testing.assert_close(noised.values, (1 - time) * samples + time * noise)
    torch.testing.assert_close(noised.target, noise - samples)
    assert torch.equal(noised.weight, torch.ones(500))


def test_gaussian_noise_is_that_of_diffusers(drawn):
    from diffusers import DDIMScheduler

    theirs = DDIMScheduler(num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2")
    torch.testing.assert_close(alphas_cumprod(), theirs.alphas_cumprod, atol=1e-6, rtol=1e-5)
    samples, noise, random = drawn
    ours = GaussianDiffusion(prediction="velocity").noised(samples, noise, random)
    steps = (ours.time * 1000).round().long()
    expected = theirs.add_noise(samples, noise, steps)
    torch.testing.assert_close(ours.values, expected, atol=1e-5, rtol=1e-4)
    velocity = theirs.get_velocity(samples, noise, steps)
    torch.testing.assert_close(ours.target, velocity, atol=1e-5, rtol=1e-4)
    assert steps.min() < 20
    assert steps.max() > 980


@pytest.mark.parametrize(
    ("prediction", "by_hand"),
    [
        ("epsilon", lambda snr: min(snr, 5) / snr),
        ("velocity", lambda snr: min(snr, 5) / (snr + 1)),
        ("sample", lambda snr: min(snr, 5)),
    ],
)
def test_the_weights_are_those_of_min_snr(prediction, by_hand, drawn):
    noised = GaussianDiffusion(prediction=prediction).noised(*drawn)
    signal = alphas_cumprod()[(noised.time * 1000).round().long()].double()
    expected = [by_hand(float(a / (1 - a))) for a in signal]
    torch.testing.assert_close(noised.weight, torch.tensor(expected), rtol=1e-3, atol=1e-6)
    alike = GaussianDiffusion(prediction=prediction, min_snr=None).noised(*drawn)
    assert torch.equal(alike.weight, torch.ones(500))


MEAN, DEVIATION = 0.2, 0.4


def predicted(
    diffusion: Diffusion, seen: torch.Tensor, time: torch.Tensor, error: float
) -> torch.Tensor:
    """The best prediction for samples whose numbers are drawn from N(MEAN, DEVIATION^2).

    Normal numbers times `error` are added.
    """
    if isinstance(diffusion, FlowDiffusion):
        a, s = 1 - time, time
    else:
        signal = alphas_cumprod()[(time * 1000).round().long().clamp(max=999)]
        a, s = signal.sqrt(), (1 - signal).sqrt()
    share = a * DEVIATION**2 / (a**2 * DEVIATION**2 + s**2)
    sample = MEAN + share * (seen - a * MEAN)
    noise = (seen - a * sample) / s
    kind = getattr(diffusion, "prediction", "flow")
    exact = {
        "flow": noise - sample,
        "epsilon": noise,
        "velocity": a * noise - s * sample,
        "sample": sample,
    }[kind]
    return exact + error * torch.randn_like(exact)


def sampled(diffusion: Diffusion, steps: int, error: float) -> torch.Tensor:
    torch.manual_seed(0)
    scheduler = diffusion.scheduler(steps)
    x = torch.randn(4, 1, 64, 64) * getattr(scheduler, "init_noise_sigma", 1.0)
    for step, time in times_of(scheduler, torch.device("cpu")):
        scale = getattr(scheduler, "scale_model_input", lambda x, _: x)
        prediction = predicted(diffusion, scale(x, step), time, error)
        x = scheduler.step(prediction, step, x, return_dict=False)[0]
    return x


@pytest.mark.parametrize("steps", [25, 61, 91, 100])
@pytest.mark.parametrize("diffusion", SAMPLED, ids=name)
def test_every_sampler_ends_at_the_distribution_also_with_small_errors(diffusion, steps):
    for error in (0.0, 0.02):
        x = sampled(diffusion, steps, error)
        assert abs(x.mean() - MEAN) < 0.03
        assert abs(x.std() - DEVIATION) < 0.05


@pytest.mark.parametrize("diffusion", SAMPLED, ids=name)
def test_one_step_goes_to_the_mean(diffusion):
    x = sampled(diffusion, 1, 0.0)
    assert abs(x.mean() - MEAN) < 0.02
    assert x.std() < 0.1


@pytest.mark.parametrize("diffusion", SAMPLED, ids=name)
def test_every_number_of_steps_has_as_many_times(diffusion):
    for steps in range(1, 101):
        times = [float(time) for _, time in times_of(diffusion.scheduler(steps), "cpu")]
        assert len(set(times)) == steps
        assert times == sorted(times, reverse=True)
        assert 0 < min(times) <= max(times) <= 1


def test_a_call_may_name_another_sampler():
    flow = FlowDiffusion(sampler="euler")
    assert type(flow.scheduler(3, "heun")) is type(FlowDiffusion(sampler="heun").scheduler(3))
    with pytest.raises(ValueError, match="sampler must be one of euler, heun, got 'ddim'"):
        flow.scheduler(3, "ddim")


def test_it_is_saved_without_weights(tmp_path):
    GaussianDiffusion(sampler="heun", prediction="epsilon").save_pretrained(tmp_path)
    again = Diffusion.from_pretrained(tmp_path)
    assert (again.sampler, again.prediction, again.min_snr) == ("heun", "epsilon", 5.0)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: FlowDiffusion(sampler="ddim"), "sampler must be one of euler, heun, got 'ddim'"),
        (lambda: FlowDiffusion(time_deviation=0), "time_deviation must be positive, got 0"),
        (lambda: FlowDiffusion(time_mean=float("nan")), "time_mean must be a number, got nan"),
        (lambda: GaussianDiffusion(sampler="x"), "sampler must be one of euler, dpm_solver, heun"),
        (lambda: GaussianDiffusion(prediction="x"), "prediction must be one of epsilon, velocity"),
        (lambda: GaussianDiffusion(min_snr=0), "min_snr must be positive or null, got 0"),
    ],
)
def test_wrong_arguments_are_sentences(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_without_diffusers_a_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ConfigError, match=r"pip install 'textgan\[diffusion\]'"):
        FlowDiffusion().scheduler(3)


def normal(diffusion: Diffusion, mean: torch.Tensor, deviation: float):
    """The exact denoiser of samples that are normal with a mean and a standard deviation."""

    def predict(noisy: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        t = time[:, None, None, None]
        if isinstance(diffusion, FlowDiffusion):
            a, s = 1 - t, t
        else:
            signal = alphas_cumprod()[(time * 1000).round().long().clamp(max=999)]
            a, s = (x.sqrt()[:, None, None, None] for x in (signal, 1 - signal))
        share = deviation**2 * a / (deviation**2 * a**2 + s**2)
        clean = mean + share * (noisy - a * mean)
        noise = (noisy - a * clean) / s
        if isinstance(diffusion, FlowDiffusion):
            return noise - clean
        by_name = {"epsilon": noise, "sample": clean, "velocity": a * noise - s * clean}
        return by_name[diffusion.prediction]

    return predict


@pytest.mark.parametrize("diffusion", ALL, ids=name)
@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_inversion_finds_the_noise_that_gives_the_samples(diffusion, strength, drawn):
    mean = torch.linspace(-1, 1, 18).reshape(2, 3, 3)
    samples = mean + 0.5 * drawn[0]
    predict = normal(diffusion, mean, 0.5)
    given = {"steps": 20, "strength": strength}
    errors = []
    for options in ({"iterations": 1}, {}, {"iterations": 8}):
        noisy = inverted(diffusion, predict, samples, **options, **given)
        again = resumed(diffusion, predict, noisy, **given)
        errors.append((again - samples).abs().mean().item())
    plain, default, many = errors
    assert default < 0.005
    assert default < plain / 3
    assert many < default


@pytest.mark.parametrize("diffusion", ALL, ids=name)
def test_the_noise_of_an_inversion_is_standard_normal(diffusion, drawn):
    mean = torch.linspace(-1, 1, 18).reshape(2, 3, 3)
    noise = inverted(
        diffusion, normal(diffusion, mean, 0.5), mean + 0.5 * drawn[0], steps=50, iterations=8
    )
    assert abs(noise.mean().item()) < 0.05
    assert abs(noise.std().item() - 1) < 0.1


@pytest.mark.parametrize("diffusion", ALL, ids=name)
def test_the_fewest_steps_find_noise_that_gives_nearly_the_samples(diffusion, drawn):
    mean = torch.linspace(-1, 1, 18).reshape(2, 3, 3)
    predict, samples = normal(diffusion, mean, 0.5), mean + 0.5 * drawn[0]
    noise = inverted(diffusion, predict, samples, steps=2)
    similarity = torch.cosine_similarity(noise.flatten(1), drawn[0].flatten(1))
    assert similarity.mean() > 0.95  # the exact noise of samples that are normal
    again = resumed(diffusion, predict, noise, steps=2)
    assert (again - samples).abs().mean() < 0.1
    with pytest.raises(ValueError, match=r"at least 2 to find the noise of an image, .* got 1"):
        inverted(diffusion, predict, samples, steps=1)
