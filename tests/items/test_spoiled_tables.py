"""Tables of items as spreadsheets leave them: what is lost is told, nothing is merged."""

from __future__ import annotations

import pytest

from is2_core.errors import BadInput
from is2_core.items.spoiled_cells import spoiled
from is2_core.items.table_csv import TableItem, decode, guard, read_table, unguard, write_table
from is2_core.items.table_plan import Allowed, Listed, PreviewRow, What, plan_items

pytestmark = pytest.mark.unit

HEADER = "cart_sku,title,active,warehouse_sku,quantity"
WAREHOUSE = ("TENT-2P", "LAMP-USB", "11.03.2026", "LED-12")
LOST = [
    "1.23457E+11", "1,23457E+11", "1.23457e+11", "1E+05", "1,E-05", "-1.5E+10", "1.23457E11", "1E5",
    "1,23457\u00d710^11", "\u0661\u066b\u0662E+\u0661\u0661", "123456789012345000", "1234567890123450", "TRUE",
    "True", "false", "WAHR", "FALSCH", "VRAI", "FAUX", "VERDADERO", "VERO", "WAAR", "ONWAAR", "PRAWDA", "FAŁSZ",
    "SANT", "TOSI", "IGAZ", "DOĞRU", "YANLIŞ", "\u0418\u0421\u0422\u0418\u041d\u0410", "\u041b\u041e\u0416\u042c",
    "12.03.2026", "3/12/2026", "2026-03-12", "12-03-26", "2026/3/12", "12. 3. 2026", "2026. 03. 12.",
    "12.03.2026 00:00", "2026-03-12T00:00:00Z", "3/12/2026 1:30 PM", "Mar-12", "12-Mar", "12. Mrz", "12. März",
    "mars-12", "12-mars", "12 mrt", "Mai 26", "12-Mar-26", "March 12, 2026", "Thursday, March 12, 2026",
    "Donnerstag, 12. März 2026", "12 de março de 2026", "1 août", "d'octubre 1", "12.maalis", "2026年3月12日",
    "3月12日",
    "2026년 3월 12일", "12-\u043c\u0430\u0440", "12 \u043c\u0430\u0440\u0442\u0430 2026", "01:30", "13:30:00",
    "9:00 PM",
    "#NAME?", "#REF!", "#N/A", "#DIV/0!", "#WERT!", "#BEZUG!", "#NV", "#¿NOMBRE?", "#####", "Err:502", "Fehler:508",
]  # fmt: skip
KEPT = [
    "TENT-2P", "000123", "123456789012", "4006381333931", "42", "1-2", "3/4", "1.5", "10-20-30-40", "1.2.3",
    "31.02.2026", "May", "MAR12", "SEPT2", "M-1A", "12oz", "A:512", "E12", "12E", "1E5A", "LAMP-12", "Mug Blue 12oz",
    "99-99-9999", "true north", "#1", "'90s mug", "12 Mar Tent",
]  # fmt: skip


def plan(*lines: str, listed: tuple[str, ...] = ()) -> tuple[PreviewRow, ...]:
    here = {sku: Listed(n, TableItem(sku, "", True, (("TENT-2P", 9),))) for n, sku in enumerate(listed)}
    return plan_items(read_table(decode("\n".join([HEADER, *lines]).encode())), here, WAREHOUSE)


def test_field_G1_rows_in_scientific_notation_never_become_one_bundle() -> None:
    rows = plan("1.23457E+11,,yes,TENT-2P,2", "1.23457E+11,,yes,LAMP-USB,1")
    assert [(row.number, row.what) for row in rows] == [(2, What.ERROR), (3, What.ERROR)]
    assert rows[0].messages == (
        "Line 2: 1.23457E+11 is a number in scientific notation, as a spreadsheet writes it; the SKU itself is lost. "
        "Have the column formatted as text and type the SKU again. Where this is the SKU, write it as "
        '="1.23457E+11".',
    )


@pytest.mark.parametrize("cell", LOST)
def test_field_G1_what_a_spreadsheet_leaves_in_any_language_is_an_error(cell: str) -> None:
    (row,) = plan(f'"{cell}",,yes,LAMP-USB,1')
    assert row.what is What.ERROR
    assert f"{cell} is a" in row.messages[0] or f"{cell} is the error" in row.messages[0]


@pytest.mark.parametrize("cell", LOST)
@pytest.mark.parametrize("form", ['"=""{}"""', "'{}"])
def test_field_G1_what_is_protected_is_the_sku(cell: str, form: str) -> None:
    if "," in cell and form.startswith("'"):
        form = f'"{form}"'
    one, two = form.format(cell), form.format(cell)
    (row,) = plan(f"{one},,yes,TENT-2P,2", f"{two},,yes,LAMP-USB,1")
    assert (row.sku, row.what, row.mappings) == (cell, What.NEW, (("TENT-2P", 2), ("LAMP-USB", 1)))


def test_field_G1_what_the_store_or_the_warehouse_has_is_the_sku() -> None:
    rows = plan(
        "1.23457E+11,,yes,TENT-2P,1", "11.03.2026,,yes,TENT-2P,1", "LED-12,,yes,,", "TENT-2P,,yes,11.03.2026,1",
        listed=("1.23457E+11",),
    )  # fmt: skip
    assert [row.what for row in rows] == [What.CHANGED, What.NEW, What.NEW, What.NEW]


def test_field_G1_what_stands_on_the_stores_orders_is_the_sku() -> None:
    lines = read_table(decode(f"{HEADER}\n1E5,,yes,TENT-2P,2\n1E5,,yes,LAMP-USB,1\n".encode()))
    (row,) = plan_items(lines, {}, WAREHOUSE, Allowed({"1E5"}))
    assert (row.sku, row.what, row.mappings) == ("1E5", What.NEW, (("TENT-2P", 2), ("LAMP-USB", 1)))


def test_field_G1_a_lost_warehouse_sku_is_told_as_well() -> None:
    (row,) = plan("TENT-2P,,yes,1E+05,1")
    assert "Line 2: 1E+05 is a number in scientific notation" in row.messages[0]


@pytest.mark.parametrize("cell", KEPT)
def test_what_people_type_is_left_alone(cell: str) -> None:
    assert spoiled(cell) == ""
    (row,) = plan(f"{cell},,yes,LAMP-USB,1")
    assert (row.sku, row.what) == (cell, What.NEW)


@pytest.mark.parametrize("cell", LOST)
def test_what_is_written_is_protected(cell: str) -> None:
    assert guard(cell) != cell
    assert unguard(guard(cell)) == cell
    assert unguard(guard(f"'{cell}")) == f"'{cell}"
    (line,) = read_table(write_table([TableItem(cell, "", True, ((cell, 1),))]))
    assert (line.sku, line.warehouse_sku, line.spoiled) == (cell, cell, {})


def test_digits_whose_zeros_may_be_lost_are_merged_with_a_warning() -> None:
    (row,) = plan("123,,yes,TENT-2P,1", "123,,yes,LAMP-USB,1")
    assert "Lines 2, 3 make one bundle" in " ".join(row.warnings)
    (row,) = plan("CAMP,,yes,TENT-2P,1", "CAMP,,yes,LAMP-USB,1")
    assert "bundle" not in " ".join(row.warnings)


@pytest.mark.parametrize(("word", "active"), [("WAHR", True), ("FAUX", False), ("vero", True), ("YANLIŞ", False)])
def test_true_and_false_are_understood_as_spreadsheets_write_them(word: str, active: bool) -> None:
    (row,) = plan(f"A,,{word},LAMP-USB,1")
    assert (row.active, row.messages) == (active, ())


@pytest.mark.parametrize(
    "above",
    ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "\n", " \n\n", ";;;;\n", "\nsep=;\n", "sep=;\n\n", "\r\n;;;;;\r\n"],
)
def test_field_G4_lines_above_the_header_are_passed_over(above: str) -> None:
    text = f"{above}{HEADER.replace(',', ';')}\nA;;yes;LAMP-USB;2\n"
    (line,) = read_table(decode(text.encode("utf-8-sig")))
    assert (line.sku, line.quantity) == ("A", "2")
    assert text.replace("\r", "").split("\n")[line.number - 1].startswith("A;"), "counted as an editor counts"


def test_field_G4_a_separator_of_their_own_is_heeded() -> None:
    (line,) = read_table(f"sep=|\n{HEADER.replace(',', '|')}\nA|a, b; c|yes|LAMP-USB|2\n")
    assert (line.title, line.quantity) == ("a, b; c", "2")


def test_a_file_without_header_says_so_whatever_stands_above() -> None:
    for text in ("sep=;\n", "\n\nA;B\n", "sep=;\nA;;yes;LAMP-USB;2\n"):
        with pytest.raises(BadInput, match="must name the columns"):
            read_table(text)


@pytest.mark.parametrize(("typed", "quantity"), [("2.0", 2), ("2,0", 2), ("2,00", 2), (" 2 ", 2)])
def test_field_G4_a_quantity_with_nothing_behind_the_point_is_whole(typed: str, quantity: int) -> None:
    (row,) = plan(f'A,,yes,LAMP-USB,"{typed}"')
    assert (row.messages, row.mappings) == ((), (("LAMP-USB", quantity),))


@pytest.mark.parametrize("typed", ["1_000", "\u0662", "1,000", "1.000", "2.5", "1e3"])
def test_field_G4_no_other_number_is_taken(typed: str) -> None:
    (row,) = plan(f'A,,yes,LAMP-USB,"{typed}"')
    assert "must be a whole number from 1" in row.messages[0]
