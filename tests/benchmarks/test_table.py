import pytest

from benchmarks.table import markdown_table


def test_a_table_has_heads_a_rule_and_rows():
    table = markdown_table(["threads", "ms"], [["1", "11.3"], ["2", "10.9"]])
    assert table == "| threads | ms |\n|---|---|\n| 1 | 11.3 |\n| 2 | 10.9 |"


def test_a_row_must_have_a_cell_for_each_head():
    with pytest.raises(ValueError, match=r"a row must have 2 cells, got \['1'\]"):
        markdown_table(["threads", "ms"], [["1"]])
