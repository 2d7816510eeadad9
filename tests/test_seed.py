import pytest
import torch

from textgan.seed import keyed_randn, seed_from

KEYS = [(0,), (1,), ("a",), ("1",), (0, 1), (1, 0), (0, 1, 0), ("a b",), ("a", "b"), ()]


def test_every_entry_of_the_key_and_its_place_and_kind_decide_the_seed():
    seeds = [seed_from(*key) for key in KEYS]
    assert len(set(seeds)) == len(KEYS)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_seed_of_a_key_never_changes():
    # Written down once: another value would change every image that a seed has drawn.
    assert seed_from(0, 1, 2) == 5458876493991123480
    assert seed_from("a red circle") == 6835832759368661689


@pytest.mark.parametrize("shape", [(4,), (2, 3, 3)])
def test_a_row_depends_on_its_own_key_alone(shape):
    rows = keyed_randn([(0, 5), (0, 6), (0, 5)], shape)
    assert rows.shape == (3, *shape)
    assert rows.dtype == torch.float32
    assert torch.equal(rows[0], rows[2])
    assert not torch.equal(rows[0], rows[1])
    assert torch.equal(keyed_randn([(0, 6)], shape)[0], rows[1])


def test_the_rows_are_standard_normal_and_independent():
    rows = keyed_randn([(0, n) for n in range(2000)], (2,))
    assert rows.mean().abs() < 0.06
    assert (rows.std() - 1).abs() < 0.05
    assert torch.corrcoef(rows.T)[0, 1].abs() < 0.08
    assert torch.corrcoef(torch.stack([rows[:-1, 0], rows[1:, 0]]))[0, 1].abs() < 0.08


def test_the_global_random_state_is_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    keyed_randn([(0,)], (4,))
    assert torch.equal(torch.rand(1), expected)


def test_no_keys_are_no_rows():
    assert keyed_randn([], (2, 3)).shape == (0, 2, 3)
