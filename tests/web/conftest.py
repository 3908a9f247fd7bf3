"""A real Chromium, and the furnished panel served at a real address for it."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium, BrowserContext, sync_playwright

from is2_core.admin import cart_setup
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.calls.rate_limits import MemoryBuckets
from is2_core.clock import VirtualClock
from tests.conftest import make_config
from tests.support.amazon import APPLICATION, simulated_amazon
from tests.support.live import Live, served
from tests.support.panel import START
from web.app import create_app


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The machine's own Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def live(furnished: Path, tmp_path: Path, clock: VirtualClock, carts: CartRegistry) -> Iterator[Live]:
    """The furnished panel, served; its Amazon knows nothing of the furnished stores."""
    path = tmp_path / "panel.db"
    shutil.copy(furnished, path)
    apps: list[Flask] = []

    def make(address: str) -> Flask:
        config = dataclasses.replace(make_config(f"sqlite:///{path}"), public_url=address)
        platform = build_platform(config, clock=clock, buckets=MemoryBuckets(clock), carts=carts)
        apps.append(create_app(platform, session_clock=VirtualClock(START)))
        return apps[0]

    with simulated_amazon(clock) as amazon, served(make) as address:
        platform = apps[0].extensions["is2"]
        cart_setup.save_cart_settings(platform, "amazon", "simulator", {**APPLICATION, "simulator_url": amazon.address})
        yield Live(address, apps[0], amazon)
        platform.db.dispose()


@pytest.fixture
def complaints() -> list[str]:
    """Return the browser's complaints: a refused script or style, a lost file, an error in a script."""
    return []


@pytest.fixture
def window(chromium: Chromium, live: Live, complaints: list[str]) -> Iterator[BrowserContext]:
    """A fresh browser; at the end nothing may have been complained about."""
    context = chromium.new_context(base_url=live.address)
    context.set_default_timeout(15_000)
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert complaints == []
