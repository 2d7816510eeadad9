import pytest
import torch

from textgan.evaluation.retrieval import NearMisses, Retrieval


def encodings(*angles: float) -> torch.Tensor:
    """Unit vectors in the plane, by their angles in degrees."""
    turned = torch.deg2rad(torch.tensor(angles))
    return torch.stack([turned.cos(), turned.sin()], 1)


def recalls(images, texts, captions, index=None) -> dict[str, float]:
    retrieval = Retrieval()
    index = torch.arange(len(images)) if index is None else index
    retrieval.update(images, index, texts, captions)
    return retrieval.compute()


def test_recall_by_hand():
    # image 0's own caption lies 5 degrees away, image 1's 80 (the other one 40), image 2's 0
    found = recalls(encodings(0, 45, 170), encodings(5, 125, 170), [["a"], ["b"], ["c"]])
    assert found["image_to_text_r1"] == pytest.approx(2 / 3)
    assert found["image_to_text_r5"] == 1
    # caption b at 125 is nearest to the image at 170
    assert found["text_to_image_r1"] == pytest.approx(2 / 3)
    assert (found["n_pictures"], found["n_captions"]) == (3, 3)
    assert found["image_to_text_r1"].n == 3


def test_one_of_several_captions_is_enough_for_an_image_and_each_caption_counts():
    images, texts = encodings(0, 90), encodings(1, 80, 89, 170)
    found = recalls(images, texts, [["a", "far"], ["b", "beyond"]])
    assert found["image_to_text_r1"] == 1
    assert found["text_to_image_r1"] == pytest.approx(3 / 4)  # "far", at 80, finds the other one
    assert found["text_to_image_r1"].n == 4


def test_equal_captions_are_one_and_any_image_that_bears_it_is_right():
    found = recalls(encodings(0, 90, 40), encodings(45, 45, 0), [["a"], ["a"], ["b"]])
    assert found["n_captions"] == 2
    assert found["text_to_image_r1"] == 0  # "a" finds image 2, "b" image 0
    assert found["text_to_image_r5"] == 1


def test_a_model_that_finds_all_alike_scores_nothing():
    same = torch.ones(12, 4) / 2
    found = recalls(same, same, [[str(n)] for n in range(12)])
    assert all(
        found[f"{way}_r{k}"] == 0 for way in ("image_to_text", "text_to_image") for k in (1, 10)
    )


def test_an_image_that_is_met_twice_counts_once():
    images, texts = encodings(0, 60, 60, 120), encodings(0, 60, 60, 120)
    index = torch.tensor([0, 2, 2, 3])  # the next good one stood in for a broken one
    found = recalls(images, texts, [["a"], ["b"], ["b"], ["c"]], index)
    assert found["image_to_text_r1"] == found["text_to_image_r1"] == 1
    assert found["image_to_text_r1"].n == 3


def test_neither_order_nor_batches_matter():
    torch.manual_seed(0)
    images = torch.nn.functional.normalize(torch.randn(20, 8), dim=1)
    texts = torch.nn.functional.normalize(images + 0.5 * torch.randn(20, 8), dim=1)
    captions = [[f"caption {n % 15}"] for n in range(20)]
    texts = texts[torch.arange(20) % 15]  # equal captions have equal encodings
    whole, parts = recalls(images, texts, captions), Retrieval()
    for rows in torch.randperm(20).split(7):
        parts.update(images[rows], rows, texts[rows], [captions[row] for row in rows])
    assert parts.compute() == whole


def test_a_near_miss_counts_where_the_own_caption_is_more_similar():
    near = NearMisses()
    near.update(encodings(0, 0, 0), encodings(10, 40, 20), encodings(20, 30, 20))
    found = near.compute()["accuracy"]
    assert found == pytest.approx(1 / 3)  # a tie is wrong
    assert found.n == 3
