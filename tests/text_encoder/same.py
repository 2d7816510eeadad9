import torch


def assert_same(one, other):
    """Compare the text features of two encoders."""
    torch.testing.assert_close(vars(one), vars(other), atol=1e-5, rtol=0)
