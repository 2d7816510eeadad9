import pytest
import torch

from textgan.quantizer import VectorQuantizer


def with_codebook(rows: list[list[float]], **arguments) -> VectorQuantizer:
    """A quantizer of one group with these codes, each used once in a batch."""
    codes = torch.tensor(rows)
    arguments = {"normalised": False, "dead_below": 0.0, **arguments}
    made = VectorQuantizer(channels=codes.shape[1], codebook_size=len(codes), **arguments)
    made.codebook.copy_(codes[None])
    made.sums.copy_(codes[None])
    made.is_started.fill_(True)
    return made


def maps(rows: list[list[float]]) -> torch.Tensor:
    """Vectors -> latents (1, C, N, 1)."""
    return torch.tensor(rows).T[None, :, :, None]


def test_the_nearest_code_is_taken_and_the_loss_is_the_squared_distance():
    out = with_codebook([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])(maps([[0.9, 0.2], [0.1, 1.4]]))
    assert out.codes.flatten().tolist() == [1, 2]
    torch.testing.assert_close(out.values, maps([[1.0, 0.0], [0.0, 2.0]]))
    expected = (0.1**2 + 0.2**2 + 0.1**2 + 0.6**2) / 4
    assert out.loss.item() == pytest.approx(expected)


def test_a_code_is_the_moving_average_of_its_vectors_by_hand():
    made = with_codebook([[0.0, 0.0], [4.0, 0.0]], decay=0.9)
    made(maps([[1.0, 1.0], [-1.0, 2.0], [3.0, 0.0]]))
    # uses 0.9 * 1 + 0.1 * (2, 1); sums 0.9 * (0, 4) + 0.1 * (sum of the vectors)
    expected = torch.tensor([[0.1 * 0.0 / 1.1, 0.1 * 3.0 / 1.1], [(3.6 + 0.3) / 1.0, 0.0]])
    torch.testing.assert_close(made.codebook[0], expected, atol=1e-4, rtol=1e-4)


def test_nothing_moves_in_evaluation():
    made = with_codebook([[0.0, 0.0], [4.0, 0.0]]).eval()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    made(maps([[1.0, 1.0]]))
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())


def test_it_starts_from_the_first_batch_by_k_means():
    torch.manual_seed(0)
    centres = 3 * torch.randn(8, 4)
    vectors = centres.repeat(50, 1) + 0.05 * torch.randn(400, 4)
    made = VectorQuantizer(channels=4, codebook_size=32, normalised=False)
    made(vectors.T[None, :, :, None])
    assert torch.cdist(centres, made.codebook[0]).min(1).values.max() < 0.2


def test_a_dead_code_restarts_at_a_vector_of_the_batch():
    made = with_codebook([[0.0, 0.0], [99.0, 0.0]], decay=0.5, dead_below=0.4)
    latents = maps([[1.0, 0.0], [0.0, 1.0]])
    made(latents)
    assert made.codebook[0, 1, 0].item() == pytest.approx(99.0, abs=0.01)  # half a use is left
    made(latents)
    assert made.codebook[0, 1].tolist() in ([1.0, 0.0], [0.0, 1.0])
    assert made.uses[0, 1] == 1.0


def test_normalised_codes_are_chosen_by_the_cosine():
    made = VectorQuantizer(channels=2, codebook_size=2, dead_below=0.0)
    made.codebook.copy_(torch.tensor([[[2**0.5, 0.0], [0.0, 2**0.5]]]))
    made.is_started.fill_(True)
    made.eval()
    out = made(maps([[0.1, 0.05], [3.0, 9.0]]))
    assert out.codes.flatten().tolist() == [0, 1]
    torch.testing.assert_close(out.values.square().mean(1), torch.ones(1, 2, 1))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"channels": 5, "groups": 2}, "channels must be a positive multiple of groups"),
        ({"codebook_size": 1}, "codebook_size must be at least 2, got 1"),
        ({"decay": 1.0}, r"decay must be within \[0, 1\), got 1.0"),
        ({"dead_below": -1}, "dead_below must be at least 0, got -1"),
    ],
)
def test_numbers_out_of_range_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        VectorQuantizer(**arguments)
