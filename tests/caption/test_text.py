"""The longest caption, and files that are not read because of one."""

import tracemalloc

import pytest

from textgan.caption.text import MAX_CHARACTERS, MAX_LINE, check_caption, check_lines, check_strings


def test_a_caption_may_have_10_000_characters():
    check_caption("é" * MAX_CHARACTERS)
    rule = r"a label may have at most 10,000 characters, got 10,001 \('éééé"
    with pytest.raises(ValueError, match=rule):
        check_caption("é" * (MAX_CHARACTERS + 1), "a label")


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["unix", "mac", "windows"])
def test_a_large_file_of_short_lines_passes_and_a_long_line_does_not(tmp_path, end):
    path = tmp_path / "captions.csv"
    path.write_bytes((b"x" * 70_000 + end) * 30)
    check_lines(path)
    path.write_bytes(b"short" + end + b"x" * MAX_LINE + end + b"short")
    check_lines(path)
    for text in (b"short" + end + b"x" * (MAX_LINE + 1) + end, b"x" * (MAX_LINE + 1)):
        path.write_bytes(text)
        with pytest.raises(ValueError, match=r"captions.csv holds a line of more than 1,000,000"):
            check_lines(path)


def test_a_json_document_may_be_one_line_but_not_hold_a_long_string(tmp_path):
    path = tmp_path / "captions.json"
    path.write_bytes(b"[" + b'{"text": "' + b"x" * 9000 + b'"},' * 400 + b"]")
    check_strings(path)
    for inside in (b"x", rb"\"", rb"\\\""):
        path.write_bytes(b'["' + inside * (MAX_LINE // len(inside) + 1) + b'"]')
        with pytest.raises(ValueError, match="holds a string of more than 1,000,000 bytes"):
            check_strings(path)
    path.write_bytes(b'["' + rb"\\" * 400_000 + b'", "' + rb"\\" * 400_000 + b'"]')
    check_strings(path)


def test_a_line_of_100_mb_takes_little_memory(tmp_path):
    path = tmp_path / "captions.txt"
    with path.open("wb") as file:
        file.write(b"a caption\n")
        file.truncate(100_000_000)  # zeros without a line's end, which take no room on the disk
    tracemalloc.start()
    with pytest.raises(ValueError, match="holds a line of more"):
        check_lines(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4e6
