import torch

from textgan.layer import BidirectionalGRU


def read(net, words, lengths):
    mask = torch.arange(words.shape[1]) < torch.tensor(lengths)[:, None]
    return net(words, mask)


def test_a_word_knows_what_stands_on_either_side_of_it():
    net, words = BidirectionalGRU(6), torch.randn(1, 5, 6)
    before = read(net, words, [5])
    for place, there in ((0, 4), (4, 0)):
        changed = words.clone()
        changed[0, place] = torch.randn(6)
        assert not torch.allclose(read(net, changed, [5])[0, there], before[0, there])


def test_order_matters_to_every_word():
    torch.manual_seed(0)
    net, words = BidirectionalGRU(6), torch.randn(1, 4, 6)
    turned = read(net, words.flip(1), [4]).flip(1)
    assert (turned - read(net, words, [4])).abs().amax(2).min() > 1e-3


def test_padding_is_never_read():
    net, words = BidirectionalGRU(6), torch.randn(2, 7, 6)
    long = read(net, words, [3, 5])
    for row, length in ((0, 3), (1, 5)):
        alone = read(net, words[row : row + 1, :length], [length])
        torch.testing.assert_close(long[row, :length], alone[0])
    words[0, 3:] = torch.nan
    assert read(net, words, [3, 5])[0, :3].isfinite().all()


def test_gradient_reaches_every_weight():
    net = BidirectionalGRU(6)
    read(net, torch.randn(2, 4, 6), [2, 4]).sum().backward()
    assert [name for name, weight in net.named_parameters() if weight.grad is None] == []
