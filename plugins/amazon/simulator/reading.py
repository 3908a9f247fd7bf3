"""Reads JSON and numbers in what comes from outside, so that nothing unreadable gets any further."""

import json
import math
import re
from typing import Any

# No shape of Amazon's comes near; what is nested deeper could be read and not be written again.
_DEEPEST = 64
# JSON's grammar lets half of a surrogate pair stand alone, but no encoding can write it.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_NUMBER = re.compile(r"-?[0-9]{1,25}")
_MOST = 10**25


def read_json(content: bytes) -> Any:
    """The value of a JSON document.

    Raises:
        ValueError: it is not JSON in UTF-8, holds a number or letter that is none, or is nested too deep.
    """
    try:
        value = json.loads(content.decode("utf-8"), parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        # Shown without its cause: the trace of a recursion is as deep as itself.
        raise ValueError(f"it is nested deeper than {_DEEPEST} levels") from None
    if _is_too_deep(value):
        raise ValueError(f"it is nested deeper than {_DEEPEST} levels")
    if _SURROGATE.search(content):
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def whole_number(text: str, least: int = -_MOST, most: int = _MOST) -> int:
    """The number that ASCII digits write.

    Raises:
        ValueError: it is none, or does not lie from `least` to `most`.
    """
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise ValueError(f"{text[:30]!r} is not a whole number from {least} to {most}")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:30]} is not a number that JSON can hold")
    return number


def _is_too_deep(value: Any) -> bool:
    level: list[dict[str, Any] | list[Any]] = [[value]]
    for _ in range(_DEEPEST):
        held = (each.values() if isinstance(each, dict) else each for each in level)
        level = [inner for each in held for inner in each if isinstance(inner, dict | list)]
        if not level:
            return False
    return True
