import torch

from textgan.evaluation.fingerprint import Fingerprint
from textgan.types import Batch


def batch(n: int = 6) -> Batch:
    images = torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Batch(images, [f"caption {i}" for i in range(n)], torch.arange(n))


def rows(whole: Batch, places: list[int]) -> Batch:
    captions = [whole.captions[place] for place in places]
    return Batch(whole.images[places], captions, whole.index[places])


def fingerprint(*batches: Batch) -> tuple[str, int]:
    metric = Fingerprint()
    for part in batches:
        metric.update(part)
    return metric.compute()


def test_order_and_batches_change_nothing():
    whole = batch()
    digest, n = fingerprint(whole)
    assert n == 6
    assert len(digest) == 16
    assert fingerprint(rows(whole, [5, 0, 3]), rows(whole, [4, 1, 2])) == (digest, 6)


def test_a_pixel_a_caption_or_a_missing_row_changes_it():
    whole = batch()
    digests = {fingerprint(whole)[0], fingerprint(rows(whole, [0, 1, 2, 3, 4]))[0]}
    other = batch()
    other.images[2, 0, 0, 0] += 0.1
    digests.add(fingerprint(other)[0])
    other = batch()
    other.captions[0], other.captions[1] = other.captions[1], other.captions[0]
    digests.add(fingerprint(other)[0])
    assert len(digests) == 4
