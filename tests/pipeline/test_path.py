import torch

from textgan.pipeline.path import between_noises, between_texts
from textgan.types import TextFeatures

SHARES = torch.tensor([0.0, 0.25, 1.0])


def test_noises_lie_on_an_arc_between_right_angles():
    ends = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    middle = between_noises(ends, torch.tensor([0.5]))
    torch.testing.assert_close(middle, torch.full((1, 2), 2**0.5))


def test_lengths_go_evenly_and_the_ends_are_the_ends():
    torch.manual_seed(0)
    ends = torch.randn(2, 3, 4) * torch.tensor([1.0, 3.0])[:, None, None]
    way = between_noises(ends, SHARES)
    torch.testing.assert_close(way[[0, 2]], ends)
    lengths = ends.flatten(1).norm(dim=1)
    torch.testing.assert_close(way[1].norm(), lengths[0] + 0.25 * (lengths[1] - lengths[0]))


def test_no_arc_is_needed_between_equal_opposite_or_no_noises():
    one = torch.tensor([1.0, 2.0])
    for other in (one, -one, 0 * one, 2 * one):
        way = between_noises(torch.stack([one, other]), SHARES)
        torch.testing.assert_close(way, torch.lerp(one, other, SHARES[:, None]))


def test_a_word_that_one_caption_lacks_comes_out_of_nothing():
    words = torch.tensor([[[1.0], [7.0]], [[3.0], [5.0]]])  # the first caption's 7 is padding
    mask = torch.tensor([[True, False], [True, True]])
    ends = TextFeatures(words, mask, torch.tensor([[0.0], [4.0]]))
    way = between_texts(ends, SHARES)
    assert way.mask.tolist() == [[True, False], [True, True], [True, True]]
    assert way.words[..., 0].tolist() == [[1, 0], [1.5, 1.25], [3, 5]]
    assert way.pooled[:, 0].tolist() == [0, 1, 4]
