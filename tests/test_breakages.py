"""Rules that hold the core together: a test fails for each of them when it is broken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.breakages import BREAKAGES

ROOT = Path(__file__).resolve().parent.parent
FOUND_BY = {
    "no_overlap": "orders/test_scenarios.py::test_scenario_F11_of_two_orders_of_one_instant_one_shows_late",
    "acknowledged_before_it_is_accepted": "warehouses/test_bay_journey.py::"
    "test_orders_go_through_another_warehouse_and_nothing_is_acknowledged_before_it_is_accepted",
    "older_news_wins": "concurrency/test_side_by_side.py::"
    "test_scenario_F13_newer_news_of_a_slow_listing_wins_over_a_quick_older_one",
    "units_recomputed": "shipments/test_random_packing.py::"
    "test_every_unit_reaches_the_cart_once_in_packages_it_takes[sqlite-5]",
    "not_found_once": "integrations/test_finality.py::"
    "test_field_B3_an_order_not_found_once_stays_and_is_read_again_soon",
    "no_comparison": "comparison/test_field_cases.py::test_field_B5_accepted_and_forgotten",
    "ownership_not_checked": "concurrency/test_frozen.py::"
    "test_field_A5_an_order_cancelled_meanwhile_is_not_left_in_the_warehouse",
    "equal_lines_merged": "shipments/test_tracking.py::"
    "test_field_C1_a_replacement_takes_the_units_of_the_voided_package",
}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", BREAKAGES)
def test_a_broken_rule_fails_a_test(name: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.support.breakages", f"tests/{FOUND_BY[name]}"]
    environment = {**os.environ, "IS2_BREAKAGE": name}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False)
    # 1: a test failed; anything else: pytest could not run it.
    assert ended.returncode == 1, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert " failed" in ended.stdout
    assert " error" not in ended.stdout.splitlines()[-1]
