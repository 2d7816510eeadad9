import math

import pytest
import torch

from textgan.loss import DAMSM, InfoNCE
from textgan.types import ImageFeatures

GAMMAS = {"gamma_1": 4.0, "gamma_2": 3.0, "gamma_3": 2.0}
CAPTIONS, NEGATIVES = ["a", "b", "a", "", "c", "d"], ["b", "d", "c", "x", "a", ""]


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def cosine(one: list[float], other: list[float]) -> float:
    return dot(one, other) / math.sqrt(dot(one, one) * dot(other, other))


def softmax(numbers: list[float]) -> list[float]:
    powers = [math.exp(number) for number in numbers]
    return [power / sum(powers) for power in powers]


def matching(regions: list[list[float]], words: list[list[float]]) -> float:
    """R(Q, D), equations 7 to 10, one number at a time."""
    s = [[dot(word, region) for region in regions] for word in words]  # (7)
    columns = [softmax([row[j] for row in s]) for j in range(len(regions))]  # (8)
    total = 0.0
    for i, word in enumerate(words):
        alpha = softmax([GAMMAS["gamma_1"] * column[i] for column in columns])  # (9)
        context = [dot(alpha, channel) for channel in zip(*regions, strict=True)]
        total += math.exp(GAMMAS["gamma_2"] * cosine(context, word))
    return math.log(total ** (1 / GAMMAS["gamma_2"]))  # (10)


@pytest.fixture
def step(make_contrastive):
    step = make_contrastive(CAPTIONS, NEGATIVES)
    for features in (step.images, step.text, step.wrong_text):
        for name, value in vars(features).items():
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                setattr(features, name, value.double())
    return step


def similarities(step) -> tuple[list[list[float]], list[list[float]]]:
    """R(Q, D) of words and of sentences, (N, M) each."""
    words, sentences = [], []
    for text in (step.text, step.wrong_text):
        words += [row[real].tolist() for row, real in zip(text.words, text.mask, strict=True)]
        sentences += text.pooled.tolist()
    regions, pooled = step.images.regions.tolist(), step.images.pooled.tolist()
    return (
        [[matching(image, caption) for caption in words] for image in regions],
        [[cosine(image, sentence) for sentence in sentences] for image in pooled],
    )


def test_words_match_regions_as_the_equations_written_in_loops_say(step):
    found = DAMSM(**GAMMAS).word_similarity(step.images.regions, step.text.words, step.text.mask)
    expected = [row[: len(CAPTIONS)] for row in similarities(step)[0]]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("kinds", [("words",), ("sentence",), ("words", "sentence")])
def test_the_loss_agrees_with_the_equations_written_in_loops(step, ways, kinds):
    both = dict(zip(("words", "sentence"), similarities(step), strict=True))
    expected = 0.0
    for kind in kinds:
        scaled = [[GAMMAS["gamma_3"] * number for number in row] for row in both[kind]]
        expected += sum(ways(scaled, CAPTIONS, NEGATIVES))  # (11) to (13), both ways added
    term = DAMSM(**GAMMAS, words="words" in kinds, sentence="sentence" in kinds)
    assert term(step).item() == pytest.approx(expected, rel=1e-12)


def test_a_word_and_a_region_match_by_their_cosine():
    region, word = torch.tensor([[[3.0, 4.0]]]), torch.tensor([[[10.0, 0.0]]])
    found = DAMSM().word_similarity(region, word, torch.ones(1, 1, dtype=torch.bool))
    assert found.item() == pytest.approx(0.6)


def test_the_only_word_of_a_caption_looks_at_all_regions_alike():
    regions = torch.randn(1, 7, 5, dtype=torch.float64)
    word = torch.randn(1, 1, 5, dtype=torch.float64)  # (8) makes 1 of it in each region
    found = DAMSM().word_similarity(regions, word, torch.ones(1, 1, dtype=torch.bool))
    expected = torch.cosine_similarity(regions.mean(1), word[0]).item()
    assert found.item() == pytest.approx(expected)


def test_two_words_of_two_things_find_each_its_own():
    regions = words = 2 * torch.eye(2)[None]
    found = DAMSM(gamma_1=3.0, gamma_2=5.0).word_similarity(
        regions, words, torch.ones(1, 2, dtype=torch.bool)
    )
    own = 1 / (1 + math.exp(-4))  # (8) of the dot products 4 and 0
    share = 1 / (1 + math.exp(-3 * (2 * own - 1)))  # (9)
    expected = share / math.hypot(share, 1 - share) + math.log(2) / 5  # (10): two words alike
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("size", [2, 4])
def test_features_that_say_nothing_cost_four_logarithms_of_the_batch(make_contrastive, size):
    step = make_contrastive([*"abcd"[:size]], [*"efgh"[:size]])
    step.images = ImageFeatures(torch.ones(size, 5, 6), torch.ones(size, 6))
    for text in (step.text, step.wrong_text):
        text.words, text.pooled = torch.ones(size, 4, 6), torch.ones(size, 6)
        text.mask = torch.ones(size, 4, dtype=torch.bool)
    expected = 2 * math.log(2 * size) + 2 * math.log(size)
    assert DAMSM()(step).item() == pytest.approx(expected)
    step.negatives = step.wrong_text = None
    assert DAMSM()(step).item() == pytest.approx(4 * math.log(size))


def test_its_sentences_are_twice_an_info_nce_of_temperature_one_over_gamma_3(step):
    sentences = DAMSM(words=False, gamma_3=8.0)(step)
    expected = 2 * InfoNCE(temperature=1 / 8).double()(step)
    assert sentences.item() == pytest.approx(expected.item(), rel=1e-6)


def test_equal_captions_are_not_punished(make_contrastive):
    assert DAMSM()(make_contrastive([*"aaaa"])).item() == pytest.approx(0)


def test_where_a_region_is_does_not_matter(step):
    before = DAMSM()(step)
    step.images.regions = step.images.regions[:, [3, 0, 4, 2, 1]]
    torch.testing.assert_close(DAMSM()(step), before)


def test_padding_gets_no_gradient_and_real_words_do(step):
    step.text.words.requires_grad_()
    DAMSM(sentence=False)(step).backward()
    sizes = step.text.words.grad.abs().sum(2)
    assert (sizes[~step.text.mask] == 0).all()
    told = torch.tensor([bool(caption) for caption in CAPTIONS])
    assert (sizes[step.text.mask & told[:, None]] > 0).all()


def test_words_and_regions_without_length_have_finite_gradients(step):
    step.text.words = torch.zeros_like(step.text.words).requires_grad_()
    step.images.regions = torch.zeros_like(step.images.regions).requires_grad_()
    DAMSM()(step).backward()
    assert torch.isfinite(step.text.words.grad).all()
    assert torch.isfinite(step.images.regions.grad).all()


def test_it_has_nothing_to_learn():
    assert not [*DAMSM().parameters()]


@pytest.mark.parametrize("name", ["gamma_1", "gamma_2", "gamma_3"])
@pytest.mark.parametrize("gamma", [0.0, -1.0, math.nan])
def test_a_gamma_that_is_not_positive_is_refused(name, gamma):
    with pytest.raises(ValueError, match=f"{name} must be above 0, got {gamma}"):
        DAMSM(**{name: gamma})


def test_one_of_its_two_halves_must_be_there():
    with pytest.raises(ValueError, match="words or sentence must be true"):
        DAMSM(words=False, sentence=False)
