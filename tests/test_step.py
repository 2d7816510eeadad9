from collections.abc import Callable

import pytest
import torch

from textgan.step import ContrastiveStep
from textgan.types import ImageFeatures, TextFeatures


def text(numbers: list[float], length: int) -> TextFeatures:
    """A caption for each number, which is all that it says."""
    words = torch.tensor(numbers)[:, None, None].repeat(1, length, 2)
    return TextFeatures(words, torch.ones(words.shape[:2], dtype=torch.bool), words[:, 0])


@pytest.fixture
def make() -> Callable[..., ContrastiveStep]:
    """Captions, and negatives or None -> a step whose features are 1, 2, ... and -1, -2, ..."""

    def make(captions: list[str], negatives: list[str] | None = None, **fields) -> ContrastiveStep:
        numbers = [float(n + 1) for n in range(len(captions))]
        images = torch.tensor(numbers)[:, None]
        plain = {
            "images": ImageFeatures(images[:, None], images, [images]),
            "text": text(numbers, 3),
            "wrong_text": None if negatives is None else text([-n for n in numbers], 5),
            "progress": 0.0,
            "gather": lambda tensor: tensor,
        }
        return ContrastiveStep(captions=captions, negatives=negatives, **{**plain, **fields})

    return make


def twice(tensor: torch.Tensor) -> torch.Tensor:
    """As if a second process had the same batch."""
    return torch.cat([tensor, tensor])


def test_captions_are_wrong_for_an_image_where_they_differ_from_its_own(make):
    wrong = make([*"aba"]).wrong_captions()
    assert wrong.dtype == torch.bool
    assert wrong.int().tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]


def test_an_empty_caption_is_wrong_for_nobody_and_knows_of_none_that_is(make):
    wrong = make(["a", "", "b"]).wrong_captions()
    assert wrong.int().tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert not make(["", ""]).wrong_captions().any()


def test_texts_are_the_captions_alone_where_the_data_brings_no_negatives(make):
    step = make([*"aba"])
    texts, wrong = step.all_texts()
    assert torch.equal(texts.words, step.text.words)
    assert torch.equal(texts.pooled, step.text.pooled)
    assert torch.equal(texts.mask, step.text.mask)
    assert torch.equal(wrong, step.wrong_captions())


def test_negatives_follow_the_captions_and_all_are_as_long_as_the_longest(make):
    texts, wrong = make([*"ab"], [*"cd"]).all_texts()
    assert texts.pooled[:, 0].tolist() == [1, 2, -1, -2]
    assert texts.words[:, 0, 0].tolist() == [1, 2, -1, -2]
    assert texts.mask.sum(1).tolist() == [3, 3, 5, 5]
    assert texts.mask.shape == (4, 5)
    assert wrong.int().tolist() == [[0, 1, 1, 1], [1, 0, 1, 1]]


def test_a_negative_is_not_wrong_for_an_image_whose_own_caption_it_is(make):
    _, wrong = make([*"abc"], [*"bca"]).all_texts()
    assert wrong[:, 3:].int().tolist() == [[1, 1, 0], [0, 1, 1], [1, 0, 1]]


def test_a_negative_that_says_what_its_image_does_is_not_wrong_for_it(make):
    _, wrong = make([*"ab"], [*"ac"]).all_texts()
    assert wrong[:, 2:].int().tolist() == [[0, 1], [1, 1]]


def test_empty_captions_and_negatives_say_nothing_wrong(make):
    _, wrong = make(["a", "", "b"], ["c", "d", ""]).all_texts()
    assert wrong[:, 3:].int().tolist() == [[1, 1, 0], [0, 0, 0], [1, 1, 0]]


def test_the_global_batch_has_all_captions_first_and_then_all_negatives(make):
    step = make([*"ab"], [*"bc"], gather=twice)
    texts, wrong = step.all_texts()
    assert texts.pooled[:, 0].tolist() == [1, 2, 1, 2, -1, -2, -1, -2]
    first, second = [0, 1, 0, 1, 1, 1, 1, 1], [1, 0, 1, 0, 0, 1, 0, 1]
    assert wrong.int().tolist() == [first, second, first, second]


def test_pooled_features_are_those_of_the_whole_and_nothing_else_is_gathered(make):
    gathered = []

    def noting(tensor):
        gathered.append(tensor.dim())
        return twice(tensor)

    step = make([*"ab"], [*"bc"], gather=noting)
    images, texts, wrong = step.all_pooled()
    assert max(gathered) == 2
    expected, expected_wrong = step.all_texts()
    assert torch.equal(images, step.all_images().pooled)
    assert torch.equal(texts, expected.pooled)
    assert torch.equal(wrong, expected_wrong)


def test_images_of_the_global_batch_come_without_maps(make):
    images = make([*"ab"], gather=twice).all_images()
    assert images.pooled[:, 0].tolist() == [1, 2, 1, 2]
    assert images.regions[:, 0, 0].tolist() == [1, 2, 1, 2]
    assert images.regions.shape == (4, 1, 1)
    assert images.maps == []


def test_gradients_reach_what_was_gathered(make):
    step = make([*"ab"], [*"cd"])
    given = [step.images.pooled, step.text.words, step.wrong_text.pooled]
    for tensor in given:
        tensor.requires_grad_()
    texts, _ = step.all_texts()
    (step.all_images().pooled.sum() + texts.words.sum() + texts.pooled.sum()).backward()
    assert all((tensor.grad == 1).all() for tensor in given)


def test_captions_of_images_that_have_all_the_same_ones_are_not_wrong(make):
    kinds = [["cat", "a cat"], ["a cat", "cat"], ["dog"]]
    wrong = make(["cat", "a cat", "dog"], all_captions=kinds).wrong_captions()
    assert wrong.tolist() == [[False, False, True], [False, False, True], [True, True, False]]


def test_a_text_that_an_image_has_among_others_is_not_wrong_for_it(make):
    every = [["a", "b", "c"], ["b"], ["d"]]
    _, wrong = make([*"abd"], [*"ecx"], all_captions=every).all_texts()
    # for the second image "a" is wrong, for the first "b" is not
    assert wrong[:, :3].int().tolist() == [[0, 0, 1], [1, 0, 1], [1, 1, 0]]
    assert wrong[:, 3:].int().tolist() == [[1, 0, 1], [1, 1, 1], [1, 1, 1]]


def test_processes_whose_images_have_other_numbers_of_captions_know_of_each_other(
    make, on_two_processes
):
    captions, every = [[*"ab"], [*"bc"]], [[["a", "b"], ["b"]], [["b"], ["c", "d", "a"]]]

    def wrong(rank, gather):
        step = make(captions[rank], all_captions=every[rank], gather=gather, rank=rank)
        return step.wrong_captions().int().tolist()

    expected = [[0, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]]
    assert on_two_processes(wrong) == [expected, expected]
