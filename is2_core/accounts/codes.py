"""Codes of accounts: what warehouses call them. Made of the name at first, and kept whatever becomes of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Container

MOST = 24


def new_code(name: str, taken: Container[str]) -> str:
    """A code like NORTHWIND or NORTHWIND-2 that is not taken."""
    base = re.sub(r"[^A-Z0-9]+", "-", name.upper()).strip("-")[:MOST].rstrip("-") or "ACCOUNT"
    code, number = base, 1
    while code in taken:
        number += 1
        code = f"{base}-{number}"
    return code
