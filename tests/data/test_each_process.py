"""Images that every process reads alike."""

import torch


def test_batches_for_every_process_are_the_still_ones(tmp_path, folder, captioned):
    captioned(tmp_path)
    data = folder(tmp_path, val_share=0, test_share=0, batch_size=3)
    still = [*data.still_batches("train", limit=5)]
    every = [*data.each_process("train", limit=5)]
    assert [len(batch) for batch in every] == [3, 2]
    assert [batch.captions for batch in every] == [batch.captions for batch in still]
    assert all(torch.equal(a.images, b.images) for a, b in zip(every, still, strict=True))
