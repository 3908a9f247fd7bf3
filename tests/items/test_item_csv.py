"""Items as CSV: what a spreadsheet would spoil or run comes back as it was."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from is2_core.errors import BadInput
from is2_core.items.states import UnknownSku
from is2_core.items.table_csv import (
    ANSWERS,
    MAX_BYTES,
    Line,
    TableItem,
    decode,
    guard,
    read_table,
    unguard,
    write_table,
)

pytestmark = pytest.mark.unit

HEADER = "cart_sku,title,active,warehouse_sku,quantity\r\n"
# Everything but NUL, which no database and no spreadsheet takes, and halves of characters.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)
TRICKY = st.text("'=+-@\"01,;.\t\nE/aM ", max_size=8)
CELLS = TEXTS | TRICKY


# The first cell that looks like a date waits for the names of months to be read.
@settings(deadline=None)
@example("000123")
@example("'=1+1")
@example("''")
@example('="7"')
@example('=""')
@given(CELLS)
def test_a_guarded_cell_means_what_it_was(value: str) -> None:
    assert unguard(guard(value)) == value


@settings(deadline=None)
@given(CELLS)
def test_no_guarded_cell_begins_like_a_formula_that_does_anything(value: str) -> None:
    cell = guard(value)
    if cell.startswith("="):
        # A single literal: between the outer quotation marks every other one is doubled.
        assert cell.startswith('="') and cell.endswith('"')
        assert '"' not in cell[2:-1].replace('""', "")
    else:
        assert not cell.startswith(("+", "-", "@", "\t", "\r", "\n"))


# A busy machine is no fault.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(
        st.builds(
            TableItem,
            sku=CELLS.filter(str.strip),
            title=CELLS,
            active=st.booleans(),
            mappings=st.lists(st.tuples(CELLS.filter(str.strip), st.integers(1, 10000)), max_size=3).map(tuple),
            unknown_sku=st.sampled_from(UnknownSku),
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read_back(items: list[TableItem]) -> None:
    expected = [
        (
            item.sku,
            item.title,
            "yes" if item.active else "no",
            sku,
            str(quantity),
            ANSWERS[UnknownSku(item.unknown_sku)],
        )
        for item in items
        for sku, quantity in item.mappings or (("", ""),)
    ]
    lines = read_table(decode(write_table(items).encode("utf-8-sig")))
    cells = [(line.sku, line.title, line.active, line.warehouse_sku, line.quantity, line.unknown_sku) for line in lines]
    assert cells == expected


@pytest.mark.parametrize(
    "value",
    ["000123", "1234567890123456", "1E5", "1e-3", "1-2", "3/4", "2026-01-02", "MAR-1", "Sept 1", "1:30", "9 pm", "1.50",
     "1,000", "50%", "$5", "TRUE", "false", "0.5", "00"],
)  # fmt: skip
def test_what_a_spreadsheet_would_change_is_written_as_text(value: str) -> None:
    assert guard(value) == f'="{value}"'


@pytest.mark.parametrize("value", ["TENT-2P", "12oz", "42", "0", "May", "Mug Blue 12oz", "A1", "", "M-1A", "'90s mug"])
def test_what_it_leaves_alone_is_written_as_it_is(value: str) -> None:
    assert guard(value) == value


@pytest.mark.parametrize("value", ["=1+1", "+49 30", "-5", "@SUM(A1)", "\tx", "=cmd|' /C calc'!A0", "\uff1d1+1"])
def test_what_it_would_run_gets_an_apostrophe(value: str) -> None:
    assert guard(value) == f"'{value}"
    written = write_table([TableItem("S", value, True, ())])
    assert next(csv.reader(io.StringIO(written.splitlines()[1])))[1] == f"'{value}" or "\t" in value


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "A,Tent,yes,TENT-2P,2\r\n",
        "\ufeff" + HEADER + "A,Tent,yes,TENT-2P,2",
        HEADER.replace(",", ";").replace("\r", "") + "A;Tent;yes;TENT-2P;2\n",
        HEADER.replace(",", "\t") + "A\tTent\tyes\tTENT-2P\t2\n",
        "Quantity,Warehouse SKU,Active, Title ,CART SKU,,\n2,TENT-2P,yes,Tent,A,,\n,,,,,,\n",
        HEADER.replace("\r\n", "\r") + 'A,"Tent",yes,"TENT-2P",2\r',
    ],
    ids=["plain", "byte order mark", "semicolons", "tabs", "other order", "old line ends"],
)
def test_the_usual_kinds_of_file_are_read(text: str) -> None:
    assert read_table(decode(text.encode())) == [Line(2, "A", "Tent", "yes", "TENT-2P", "2")]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    text = HEADER + '\r\n"A","two\r\nlines",yes,,\r\nB,,,,\r\nC,,,,,surplus\r\n'
    lines = read_table(text)
    assert [(line.number, line.sku) for line in lines] == [(3, "A"), (5, "B"), (6, "C")]
    assert "more cells" in lines[2].problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \r\n ", "is empty"),
        (b"sku;qty\n1;2\n", "must name the columns"),
        ((HEADER + "A,B\xe4r,yes,,\r\n").encode("latin-1"), "Line 2 is not in the UTF-8 encoding"),
        (HEADER.encode("utf-16"), "is not in the UTF-8 encoding"),
        ((HEADER + "A\0B,,,,").encode(), "not in the UTF-8 encoding"),
        (b"PK\x03\x04rest", "This is a spreadsheet"),
        ((HEADER + 'A,"Tent,yes,,\r\nB,,yes,,\r\n').encode(), "from line 2 on: a quotation mark"),
        ((HEADER + 'A,,,,\r\nB,"Tent"x,yes,,\r\n').encode(), "from line 3 on: a quotation mark"),
        (b"x" * (MAX_BYTES + 1), "larger than 5 MB"),
        ((HEADER + "A,,,,\n" * 50_001).encode(), "more than 50,000 lines"),
    ],
    ids=[
        "nothing",
        "blank",
        "header",
        "latin-1",
        "utf-16",
        "nul",
        "xlsx",
        "open quote",
        "stray quote",
        "size",
        "lines",
    ],
)
def test_a_file_that_cannot_be_read_says_why(content: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        read_table(decode(content))
    assert caught.value.field == "file"
