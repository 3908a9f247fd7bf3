"""The kit for an author: a class of tests, and the examples of the page for cart authors run as they stand."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]


def test_an_author_gets_a_class_of_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from tests.carts.testkit.broken_carts import tells_the_log, without_last_key
        from tests.carts.testkit.makers import acknowledging, checking
        from tests.carts.tiny_conformance import TinyConformance

        class TestBroken(TinyConformance):
            plugin = acknowledging(without_last_key)

        class TestTalkative(TinyConformance):
            plugin = checking(tells_the_log)
        """
    )
    chosen = "TestBroken and (a_write_is_applied or a_token_is_minted) or TestTalkative and can_be_tested"
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rs", "-k", chosen)
    result.assert_outcomes(passed=3, failed=1, skipped=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*a log line of check_connection gives away a key or a token*",
            "*no mint_access_token hook: a capability it lacks*",
        ]
    )


def documented(words: str) -> str:
    """The Python example of the page for cart authors that holds these words."""
    page = Path(__file__).parents[3] / "docs/write-a-cart.md"
    examples = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    (found,) = [example for example in examples if words in example]
    return found


def test_the_documented_class_runs_as_it_stands(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(documented("CartConformance"))
    chosen = "test_the_listing_ends or test_a_write_is_applied or test_a_merchant_who_declines"
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rs", "-k", chosen)
    result.assert_outcomes(passed=4, skipped=1)
    result.stdout.fnmatch_lines(["*override declined_answer() to have a declined consent checked*"])


def test_the_documented_fake_shop_says_what_the_page_says(pytester: pytest.Pytester) -> None:
    told = """
    import requests
    paths = ["/api/orders", "/api/orders/7", "/api/orders", "/api/orders"]
    found = [requests.get(shop.address + path, timeout=10) for path in paths]
    assert [reply.status_code for reply in found] == [200, 200, 503, 503]
    assert found[0].json() == {"orders": [], "next": None}
    assert found[1].json() == {"id": "7"}
    assert [request.path for request in shop.requests] == paths
"""
    pytester.makepyfile(f"def test_it():\n{textwrap.indent(documented('FakeShop') + told, '    ')}")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
