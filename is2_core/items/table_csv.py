"""Items as a CSV file that survives a spreadsheet: writing, and reading back what was written or typed. Pure.

A spreadsheet drops leading zeros, rounds long digits, turns "1E5" into a number and "1-2" into a date, and runs what
begins like a formula. What it would change is written as `="000123"`, which it shows as the text itself; what it
would run gets an apostrophe in front. Both forms mean the plain text when they come back.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from is2_core.errors import BadInput
from is2_core.items.spoiled_cells import spoiled
from is2_core.items.states import UnknownSku

COLUMNS = ("cart_sku", "title", "active", "warehouse_sku", "quantity")
# A file may do without them: one that was downloaded before there were any.
FURTHER_COLUMNS = ("unknown_sku", "latency")
AS_SETTING = "store setting"
ANSWERS = {
    UnknownSku.AS_SET: AS_SETTING,
    UnknownSku.HOLD: "hold",
    UnknownSku.NOT_FROM_HERE: "not shipped from here",
}
MAX_BYTES = 5 * 1024 * 1024
MAX_LINES = 50_000
DELIMITERS = (",", ";", "\t")
_FIELD = "file"
_SKUS = ("cart_sku", "warehouse_sku")
_SEPARATOR = re.compile(r'"?sep=(.)"?[,;\t\s]*', re.IGNORECASE)
_EMPTY_CELLS = ' ,;\t"'

_FULL_WIDTH = "\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
# The full-width forms run in some spreadsheets as well.
_RUNS = tuple(f"=+-@\t\r\n{_FULL_WIDTH}")
_QUOTED = re.compile(r'="((?:[^"]|"")*)"', re.DOTALL)
# Digits, and everything that may stand around and between them in a number, amount, date, time or fraction.
_NUMBER_LIKE = re.compile(r"[\s\d.,:/%$\N{EURO SIGN}\N{POUND SIGN}()'EeTZ+\-]+")
_PLAIN_NUMBER = re.compile(r"0|[1-9][0-9]{0,10}")
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE_LIKE = re.compile(rf"[\s\d.,/-]*{_MONTH}[\s\d.,/-]*", re.IGNORECASE)
_TIME_LIKE = re.compile(r"\d{1,2}(:\d{1,2}){0,2}\s*[ap]m?", re.IGNORECASE)


@dataclass(frozen=True)
class TableItem:
    """An item as the file shows it: one line per mapping, one without any where there is none."""

    sku: str
    title: str
    active: bool
    mappings: tuple[tuple[str, int], ...]
    unknown_sku: str = UnknownSku.AS_SET
    latency: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a file, as typed. `problem` says why it cannot be used at all, "" where it can; `spoiled` what a
    spreadsheet seems to have made of an unprotected SKU, by column."""

    number: int
    sku: str
    title: str
    active: str
    warehouse_sku: str
    quantity: str
    unknown_sku: str = ""
    problem: str = ""
    latency: str = ""
    spoiled: Mapping[str, str] = field(default_factory=dict)


def write_table(items: Iterable[TableItem]) -> str:
    """The CSV text of these items, with its header line."""
    text = io.StringIO(newline="")
    # Everything in quotes: a spreadsheet that splits at another sign must not find one inside a cell.
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow((*COLUMNS, *FURTHER_COLUMNS))
    for item in items:
        answer = ANSWERS[UnknownSku(item.unknown_sku)]
        for warehouse_sku, quantity in item.mappings or (("", ""),):
            active = "yes" if item.active else "no"
            cells = [guard(item.sku), guard(item.title), active, guard(warehouse_sku), quantity]
            writer.writerow([*cells, answer, item.latency or AS_SETTING])
    return text.getvalue()


def decode(content: bytes) -> str:
    """The text of an uploaded file.

    Raises:
        BadInput: too large, or not UTF-8 text.
    """
    if len(content) > MAX_BYTES:
        raise BadInput(f"The file is larger than {MAX_BYTES // 1024**2} MB. Upload it in parts.", field=_FIELD)
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadInput(
            "This is a spreadsheet, not a CSV file. Save it as CSV UTF-8 and upload that file.", field=_FIELD
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput(
            f"Line {line} is not in the UTF-8 encoding. Save the file as CSV UTF-8 and upload it again.", field=_FIELD
        ) from error
    if "\0" in text:
        raise BadInput("The file is not in the UTF-8 encoding. Save it as CSV UTF-8.", field=_FIELD)
    if not text.strip():
        raise BadInput("The file is empty.", field=_FIELD)
    return text


def read_table(text: str) -> list[Line]:
    """The lines of a file, header and empty lines left out, and what stands above the header: empty lines, and the
    `sep=;` that tells a spreadsheet what separates cells.

    Raises:
        BadInput: the header is not understood, a quotation mark is missing, or there are too many lines.
    """
    delimiter, header, header_line = _header(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[Line] = []
    begun = 1
    try:
        for cells in reader:
            number, begun = begun, reader.line_num + 1
            if number <= header_line or not any(cell.strip() for cell in cells):
                continue
            if len(lines) == MAX_LINES:
                raise BadInput(f"The file has more than {MAX_LINES:,} lines. Upload it in parts.", field=_FIELD)
            lines.append(_line(number, header, cells))
    except csv.Error as error:
        raise BadInput(
            f"The file cannot be read from line {begun} on: a quotation mark is missing or too many.", field=_FIELD
        ) from error
    return lines


def _header(text: str) -> tuple[str, list[str], int]:
    """The sign between cells, the columns, and the line that names them."""
    delimiters: tuple[str, ...] = DELIMITERS
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        first = line.rstrip("\n")
        told = _SEPARATOR.fullmatch(first)
        if told:
            delimiters = (told[1],)
        if told or not first.strip(_EMPTY_CELLS):
            continue
        for delimiter in delimiters:
            try:
                cells = next(csv.reader([first], delimiter=delimiter))
            except csv.Error:
                continue
            header = ["_".join(cell.split()).casefold() for cell in cells]
            while header and not header[-1]:
                header.pop()
            if sorted(set(header) - set(FURTHER_COLUMNS)) == sorted(COLUMNS) and len(set(header)) == len(header):
                return delimiter, header, number
        break
    raise BadInput(
        f"The first line must name the columns {', '.join(COLUMNS)} (and may name {', '.join(FURTHER_COLUMNS)}), "
        "separated by a comma, a semicolon or a tab. Download the table to see how it looks.",
        field=_FIELD,
    )


def _line(number: int, header: list[str], cells: list[str]) -> Line:
    surplus = any(cell.strip() for cell in cells[len(header) :])
    typed = dict(zip(header, cells, strict=False))
    values = {column: unguard(cell) for column, cell in typed.items()}
    bare = {column: spoiled(typed[column]) for column in _SKUS if typed.get(column) == values.get(column, "")}
    return Line(
        number,
        sku=values.get("cart_sku", ""),
        title=values.get("title", ""),
        active=values.get("active", ""),
        warehouse_sku=values.get("warehouse_sku", ""),
        quantity=values.get("quantity", ""),
        unknown_sku=values.get("unknown_sku", ""),
        problem="This line has more cells than the header names." if surplus else "",
        latency=values.get("latency", ""),
        spoiled={column: made for column, made in bare.items() if made},
    )


def guard(value: str) -> str:
    """A value in the form in which a spreadsheet neither changes nor runs it."""
    if value.startswith(_RUNS) or _is_protected(value):
        return f"'{value}"
    if _would_change(value):
        quoted = value.replace('"', '""')
        return f'="{quoted}"'
    return value


def unguard(cell: str) -> str:
    """Return the value of a cell: the exact inverse of `guard`, and anything typed as it stands."""
    if _is_protected(cell):
        return cell[1:]
    quoted = _QUOTED.fullmatch(cell)
    return quoted.group(1).replace('""', '"') if quoted else cell


def _is_protected(cell: str) -> bool:
    """Whether an apostrophe is there to keep a spreadsheet off what follows it."""
    rest = cell[1:]
    return cell.startswith("'") and (
        rest.startswith(("'", *_RUNS)) or _PLAIN_NUMBER.fullmatch(rest) is not None or _would_change(rest)
    )


def _would_change(value: str) -> bool:
    if spoiled(value):
        return True
    if value.casefold() in ("true", "false") or _TIME_LIKE.fullmatch(value.strip()):
        return True
    if not (_NUMBER_LIKE.fullmatch(value) or _DATE_LIKE.fullmatch(value)):
        return False
    return any(character.isdigit() for character in value) and not _PLAIN_NUMBER.fullmatch(value)
