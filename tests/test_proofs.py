"""Every scenario of docs/reliability.md and every case from the field has a test that bears its name."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCENARIOS = 68
# How many cases there are of each kind: A background work, B the cart goes on living, C units the cart accepted,
# D holds without an exit, E orders and addresses, F shipping, G items and stock, H web and start, I trust, J promise.
CASES = {"A": 8, "B": 7, "C": 2, "D": 5, "E": 4, "F": 5, "G": 5, "H": 7, "I": 3, "J": 1}


@cache
def named_tests() -> frozenset[str]:
    """Each test as `tests/<file>.py:<name>`."""
    return frozenset(
        f"{path.relative_to(ROOT).as_posix()}:{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    )


@pytest.mark.parametrize("number", range(1, SCENARIOS + 1))
def test_each_scenario_is_told_with_its_tests(number: int) -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| F{number} \| \S.* \| (.+) \|$", text, re.MULTILINE)
    assert len(rows) == 1
    named = set(re.findall(r"`(tests/[\w/]+\.py:\w+)`", rows[0]))
    assert named == {test for test in named_tests() if f":test_scenario_F{number}_" in test}
    assert named


@pytest.mark.parametrize("case", [f"{kind}{number + 1}" for kind, count in CASES.items() for number in range(count)])
def test_each_case_from_the_field_has_its_test(case: str) -> None:
    assert [test for test in named_tests() if f":test_field_{case}_" in test]


def test_what_proves_the_rows_of_the_security_lists_is_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py:\w+)`", text))
    assert len(named) > 40
    assert sorted(named - named_tests()) == []
