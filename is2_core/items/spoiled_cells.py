"""Traces of spreadsheets: the text they leave in a cell in place of the SKU that was typed, in all languages. Pure.

A spreadsheet takes what looks like a number, a date or a truth value for one and saves it in its own way of writing:
`123456789012` as `1.23457E+11` (or `1,23457E+11`), `MAR-12` as `12. Mrz`, `TRUE` as `WAHR`. What was typed cannot be
told from that any more, and many SKUs end as the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache

# The decimal sign of a locale: a point, a comma, the Arabic one.
_POINT = "[.,\N{ARABIC DECIMAL SEPARATOR}]"
_SCIENTIFIC = re.compile(
    rf"[+\-\N{{MINUS SIGN}}]?\d+(?:{_POINT}\d*)?\s?"
    r"(?:[E\N{CYRILLIC CAPITAL LETTER IE}]|[x\N{MULTIPLICATION SIGN}]\s?10\^)[+\-\N{MINUS SIGN}]?\d+",
    re.IGNORECASE,
)
# Spreadsheets keep 15 digits of a number; the further ones become zeros.
_ROUNDED = re.compile(r"\d{15}0+")
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[ap]\.?\s?m\.?)?"
_ONLY_TIME = re.compile(_TIME, re.IGNORECASE)
_WITH_TIME = re.compile(rf"(?P<day>.*\d\D?)(?:,?\s+|T){_TIME}(?:Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)
_NUMERIC_DATE = re.compile(r"(\d{1,4})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{1,4})\.?")
_EASTERN_DATE = re.compile(
    r"(?:\d{2,4}\s?[\u5e74\ub144]\s?)?\d{1,2}\s?[\u6708\uc6d4](?:\s?\d{1,2}\s?[\u65e5\uc77c])?|\d{2,4}[\u5e74\ub144]"
)
_ERROR = re.compile(
    r"#(?:[^\s\d]*|DIV/0)[!?]|#\w{1,2}/\w{1,2}!?|#{2,}|#NV|#\u041d/?\u0414|(?:err|error|errore|erro|erreur|fehler|fout|hiba|chyba)\s?:\s?\d{3}",
    re.IGNORECASE,
)
# What stands between the parts of a date, and the words among them that name none.
_BETWEEN = re.compile(r"[\s.,/'\N{RIGHT SINGLE QUOTATION MARK}-]*")
_WORD_OR_NUMBER = re.compile(r"[^\W\d_]+|\d+")
_FILLERS = frozenset({"d", "de", "del", "of", "den", "di"})
# Languages in which spreadsheets are sold and written; CLDR has the names of their months and days.
_LANGUAGES = (
    "af ar bg bn ca cs da de el en es et eu fa fi fil fr gl he hi hr hu id is it ja ka kk ko lt lv ms nb nl nn pl pt "
    "ro ru sk sl sq sr sv th tr uk vi zh"
).split()
# Excel's own, where it is not CLDR's.
_MORE_MONTHS = frozenset({"mrz"})

_TRUE = (
    "true wahr vrai verdadero vero verdadeiro waar prawda sant sand sann tosi pravda igaz doğru adevărat cert benar "
    "t\u00f5ene satt egia istina resnično patiess tiesa \u0438\u0441\u0442\u0438\u043d\u0430 "
    "\u0456\u0441\u0442\u0438\u043d\u0430 \u03b1\u03bb\u03b7\u03b8\u03ad\u03c2 \u03b1\u03bb\u03b7\u03b8\u03b5\u03c2 "
    "\u03b1\u03bb\u03b7\u03b8\u03ae\u03c2 \u03b1\u03bb\u03b7\u03b8\u03b7\u03c2 \ucc38"
).split()
_FALSE = (
    "false falsch faux falso onwaar fałsz falskt falsk usann epätosi nepravda hamis yanliş fals salah "
    "v\u00e4\u00e4r \u00f3satt gezurra neistina neresnično aplams netiesa \u043b\u043e\u0436\u044c "
    "\u043b\u044a\u0436\u0430 \u0445\u0438\u0431\u043d\u0456\u0441\u0442\u044c "
    "\u03c8\u03b5\u03c5\u03b4\u03ad\u03c2 \u03c8\u03b5\u03c5\u03b4\u03b5\u03c2 \u03c8\u03b5\u03c5\u03b4\u03ae\u03c2 "
    "\u03c8\u03b5\u03c5\u03b4\u03b7\u03c2 \uac70\uc9d3"
).split()
TRUES, FALSES = frozenset(map(str.casefold, _TRUE)), frozenset(map(str.casefold, _FALSE))
"""How spreadsheets write TRUE and FALSE in their languages, case-folded."""


def spoiled(cell: str) -> str:
    """Return what a spreadsheet seems to have made of a cell, as in "a date"; "" where it looks as it was typed."""
    text = cell.strip()
    if _SCIENTIFIC.fullmatch(text):
        return "a number in scientific notation"
    if _ROUNDED.fullmatch(text):
        return "a number rounded to 15 digits"
    if text.casefold() in TRUES | FALSES:
        return "a truth value"
    if _ERROR.fullmatch(text):
        return "the error of a formula"
    if _ONLY_TIME.fullmatch(text):
        return "a time"
    with_time = _WITH_TIME.fullmatch(text)
    return "a date" if _is_date(with_time["day"].strip() if with_time else text) else ""


def _is_date(text: str) -> bool:
    if _EASTERN_DATE.fullmatch(text):
        return True
    numeric = _NUMERIC_DATE.fullmatch(text)
    if numeric:
        first, middle, last = numeric[1], numeric[3], numeric[4]
        return any(
            len(year) in (2, 4) and _exists(int(month), int(day))
            for year, month, day in ((last, middle, first), (last, first, middle), (first, middle, last))
        )
    return _named(text)


def _exists(month: int, day: int) -> bool:
    """Whether a year has that day; a leap year."""
    try:
        date(2000, month, day)
    except ValueError:
        return False
    return True


def _named(text: str) -> bool:
    """Whether it is a month's name with the number of a day or a year, or both, apart from it."""
    parts = _WORD_OR_NUMBER.findall(text)
    named = [part.casefold() for part in parts if not part.isdecimal()]
    numbers = [part for part in parts if part.isdecimal()]
    if not named or not 1 <= len(numbers) <= 2 or any(len(number) not in (1, 2, 4) for number in numbers):
        return False
    if re.search(r"[^\W\d_]\d|\d[^\W\d_]", text) or _BETWEEN.fullmatch(_WORD_OR_NUMBER.sub("", text)) is None:
        return False
    months, days = _names()
    return sum(word in months for word in named) == 1 and all(
        word in months or word in days or word in _FILLERS for word in named
    )


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    """The words in the names of months and of days in all languages, case-folded; read at the first cell that needs
    them, which takes a quarter of a second."""
    # Here: nobody else needs it, and it takes its time to be loaded.
    from babel import Locale

    months, days = set(_MORE_MONTHS), set[str]()
    for language in _LANGUAGES:
        locale = Locale.parse(language)
        for found, names in ((months, locale.months), (days, locale.days)):
            for form in names.values():
                for width in ("wide", "abbreviated"):
                    found.update(_parts(form.get(width, {}).values()))
    return frozenset(months - _FILLERS), frozenset(days)


def _parts(names: Iterable[object]) -> Iterator[str]:
    for name in names:
        yield from (word.casefold() for word in re.findall(r"[^\W\d_]+", str(name)))
