import pytest

from textgan.layer import channels_and_size, nearest_resolutions, widths_by_resolution


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        (8, {4: 16, 8: 8}),
        (16, {4: 32, 8: 16, 16: 8}),
        (24, {6: 32, 12: 16, 24: 8}),
        (40, {5: 40, 10: 32, 20: 16, 40: 8}),
        (64, {4: 40, 8: 40, 16: 32, 32: 16, 64: 8}),
        (96, {6: 40, 12: 40, 24: 32, 48: 16, 96: 8}),
        (248, {31: 40, 62: 32, 124: 16, 248: 8}),
    ],
)
def test_resolutions_halve_while_they_are_even_and_at_least_8(size, widths):
    assert widths_by_resolution(size, width=8, max_width=40) == widths
    assert channels_and_size([12, size, size]) == (12, size)


@pytest.mark.parametrize("size", [0, 4, 20, 264, 512])
def test_a_size_that_is_no_multiple_of_8_in_range_is_refused(size):
    with pytest.raises(ValueError, match=f"image_size must be a multiple of 8 .*, got {size}"):
        widths_by_resolution(size, width=8, max_width=40)
    with pytest.raises(ValueError, match=rf"sample_shape must be .*, got \(3, {size}, {size}\)"):
        channels_and_size((3, size, size))


@pytest.mark.parametrize("shape", [(), (3,), (16, 16), (3, 16, 24), (0, 16, 16), (3, 16, 16, 16)])
def test_another_shape_than_channels_and_a_square_is_refused(shape):
    with pytest.raises(ValueError, match=r"sample_shape must be \(channels, "):
        channels_and_size(shape)


def test_a_power_of_two_names_the_nearest_resolution():
    for given, known, found in [
        ([8, 16], [4, 8, 16, 32], {8, 16}),
        ([8, 16], [6, 12, 24, 48], {6, 12}),
        ([8, 16], [5, 10, 20, 40], {10, 20}),
        ([8, 16], [4], {4}),
        ([12], [6, 12, 24], {12}),
        ([], [4, 8], set()),
    ]:
        assert nearest_resolutions("x", given, known) == found


def test_a_resolution_that_is_neither_a_power_of_two_nor_a_block_s_is_refused():
    with pytest.raises(ValueError, match=r"^x must be .* \[4, 8, 16\], or powers .*, got \[7\]"):
        nearest_resolutions("x", [7], [16, 8, 4])
    with pytest.raises(ValueError, match=r"got \[512\]"):
        nearest_resolutions("x", [512], [4, 8])
