import numpy as np
import pytest

from textgan.export.noise import keyed_normal
from textgan.seed import keyed_randn

KEYS = [(0, 0, 0), (7, 3, 1), (2**40, 1, 2), (7, 3, 1)]


@pytest.mark.parametrize(
    "shape", [(1,), (2,), (6,), (15,), (16,), (17,), (32,), (40,), (3, 5), (2, 5, 7), (4, 16, 16)]
)
def test_it_is_the_noise_of_torch(shape):
    found, expected = keyed_normal(KEYS, shape), keyed_randn(KEYS, shape).numpy()
    assert found.dtype == np.float32
    assert found.shape == (4, *shape)
    np.testing.assert_allclose(found, expected, atol=2e-6, rtol=0)


def test_a_row_depends_on_its_key_alone():
    rows = keyed_normal(KEYS, (8,))
    assert np.array_equal(rows[1], rows[3])
    assert len({row.tobytes() for row in rows}) == 3


def test_no_keys_give_no_rows():
    assert keyed_normal([], (2, 3)).shape == (0, 2, 3)
