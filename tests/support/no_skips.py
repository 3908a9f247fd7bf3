"""Pytest plugin: with CI=true, a test that was to use a browser, a database or Amazon's models may not be skipped.

Skipping is a kindness to somebody's own machine. Where everything is there to be installed, a skip hides a test that no
longer runs. The models are outside the project: their tests may skip while no folder is named in IS2_SPAPI_MODELS.
"""

import os
from collections.abc import Generator

import pytest

REQUIRED = ("browser", "postgres", "models")


def _required_marker(item: pytest.Item) -> str | None:
    for name in REQUIRED:
        if item.get_closest_marker(name) is not None and (name != "models" or os.environ.get("IS2_SPAPI_MODELS")):
            return name
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure that names the reason for the skip."""
    report = yield
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return report
    marker = _required_marker(item)
    if marker is not None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"CI=true: a {marker} test must run. {reason}"
    return report
