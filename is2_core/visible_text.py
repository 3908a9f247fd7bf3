"""Texts a person has to tell apart although some of their characters cannot be seen. Pure."""

from __future__ import annotations

import unicodedata

# Printable by their category, and yet drawn as nothing.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0").union(map(chr, range(0xFE00, 0xFE10)))


def visible(text: str) -> str:
    """Return a text with what cannot be seen in it named in brackets: blanks at its ends and after other blanks, and
    every character without a shape of its own, such as a no-break space. Any other text stays as it is."""
    if text.isascii() and text.isprintable() and text == text.strip() and "  " not in text:
        return text
    inside = range(len(text) - len(text.lstrip(" ")), len(text.rstrip(" ")))
    return "".join(
        _named(character) if _is_unseen(text, position, inside) else character
        for position, character in enumerate(text)
    )


def _is_unseen(text: str, position: int, inside: range) -> bool:
    character = text[position]
    if character == " ":
        return position not in inside or text[position - 1] == " "
    return not character.isprintable() or character in _UNSEEN


def _named(character: str) -> str:
    return f"[{unicodedata.name(character, '').lower() or f'U+{ord(character):04X}'}]"
