"""The procedural data set: random choices, fixed ones, and held-out pairs."""

import pytest
import torch

from textgan.data import Shapes
from textgan.scene import HELD_OUT, parse
from textgan.types import Batch


def first(loader, batches: int = 1) -> list[Batch]:
    return [batch for batch, _ in zip(loader, range(batches), strict=False)]


def test_training_images_are_new_beyond_the_epoch():
    data = Shapes(train_size=4, batch_size=8)
    batches = first(data.train_dataloader(), 3)
    captions = [text for batch in batches for text in batch.captions]
    images = torch.cat([batch.images for batch in batches])
    assert len(set(captions)) > 20
    assert len(torch.unique(images.flatten(1), dim=0)) == 24
    assert all(index < 4 for batch in batches for index in batch.index)


def test_a_training_image_depends_on_its_position_and_not_on_the_batch_size():
    small, large = (Shapes(batch_size=size, hard=True, max_objects=4) for size in (4, 12))
    images = torch.cat([batch.images for batch in first(small.train_dataloader(), 3)])
    assert torch.equal(images, first(large.train_dataloader())[0].images)


@pytest.mark.parametrize("hard", [False, True])
def test_held_out_pairs_are_at_odd_test_indices_only(hard):
    data = Shapes(test_size=60, val_size=20, hard=hard, max_objects=4 if hard else 2)
    for loader in (data.test_dataloader(), data.val_dataloader()):
        for batch in loader:
            for index, text in zip(batch.index.tolist(), batch.captions, strict=True):
                assert parse(text).has_pair(HELD_OUT) == bool(index % 2)
    assert not any(parse(text).has_pair(HELD_OUT) for text in data.captions(500))


def test_nothing_is_held_out_where_none_is_named():
    data = Shapes(held_out=[], test_size=40)
    assert all(parse(text) for text in data.captions(10))
    pairs = {thing.pair for text in data.captions(800) for thing in parse(text).objects}
    assert pairs >= set(HELD_OUT)


def test_splits_and_seeds_have_other_scenes():
    def captions(seed: int, split: str) -> list[str]:
        return (
            Shapes(seed=seed)
            .dataset(split)
            .__getitems__([(i, i) for i in range(0, 32, 2)])
            .captions
        )

    assert captions(0, "val") == captions(0, "val")
    assert captions(0, "val") != captions(0, "test")
    assert captions(0, "val") != captions(0, "train")
    assert captions(0, "val") != captions(1, "val")


def test_captions_are_those_of_the_first_training_images():
    data = Shapes(batch_size=16)
    assert data.captions(16) == first(data.train_dataloader())[0].captions


def test_more_negatives_are_other_ones_and_the_first_stay():
    one, three = (first(Shapes(negatives=n).train_dataloader())[0] for n in (1, 3))
    size = len(one)
    assert len(three.negatives) == 3 * size
    assert three.negatives[:size] == one.negatives
    rows = [three.negatives[row::size] for row in range(size)]
    assert sum(len(set(row)) > 1 for row in rows) > 0.9 * size
    assert all(text not in row for text, row in zip(three.captions, rows, strict=True))


def test_negatives_are_wrong_captions_of_the_grammar():
    assert first(Shapes().train_dataloader())[0].negatives is None
    for batch in first(Shapes(negatives=1).train_dataloader(), 4):
        assert len(batch.negatives) == len(batch)
        for text, wrong in zip(batch.captions, batch.negatives, strict=True):
            assert parse(wrong) != parse(text)


def test_lists_of_names_restrict_the_scenes():
    data = Shapes(
        colours=["red", "blue"],
        shapes=["circle", "ring"],
        sizes=["large"],
        backgrounds=["black"],
        relations=["above"],
        min_objects=2,
    )
    for scene in map(parse, data.captions(50)):
        assert {thing.colour for thing in scene.objects} <= {"red", "blue"}
        assert {thing.shape for thing in scene.objects} <= {"circle", "ring"}
        assert {thing.size for thing in scene.objects} == {"large"}
        assert (scene.background, scene.relations) == ("black", ("above",))


def test_a_smaller_spread_gathers_the_objects():
    images = [
        Shapes(spread=spread, max_objects=1).build("val").__getitems__([(i, i) for i in range(64)])
        for spread in (0.0, 1.0)
    ]
    assert images[0].captions == images[1].captions
    corner = [(p.images - p.images[..., :1, :1])[..., 26:].abs().sum() for p in images]
    assert corner[0] < 0.2 * corner[1]
