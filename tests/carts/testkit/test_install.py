"""Carts that connect in a wrong way: the kit notices."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from is2_tiny import plugin as tiny

from plugins.conformance.carts.harness import running
from plugins.conformance.carts.hooks import Hooks
from plugins.interface import AskFields, Environment, Field, FieldKind, PlatformSettings, Redirect, Secret
from plugins.testkit import StillClock
from tests.carts.testkit import broken_carts as broken, makers
from tests.carts.testkit.driving import FAILURE, conformance_of
from tests.carts.tiny_conformance import TinyConformance

CONNECTIONS: dict[str, tuple[SimpleNamespace, str, str]] = {
    "no credentials": (
        makers.connecting(lambda step: replace(step, credentials={})),
        "test_a_store_is_connected",
        "no credentials",
    ),
    "a key in the open": (
        makers.connecting(lambda step: replace(step, credentials={"token": "tiny-key"})),
        "test_a_store_is_connected",
        "is a Secret",
    ),
    "a key by another name": (
        makers.connecting(lambda step: replace(step, credentials={"key": step.credentials["token"]})),
        "test_a_store_is_connected",
        'under "token"',
    ),
    "questions without an end": (broken.NEVER_CONTENT, "test_a_store_is_connected", "never returned Connected"),
    "whatever was typed": (broken.BELIEVES, "test_an_answer_that_does_not_fit_is_explained", "garbled"),
    "the key that was refused": (
        makers.cart(install=broken.naming_the_refused_key),
        "test_an_answer_that_does_not_fit_is_explained",
        "the message of the SettingsError that install raised gives away a key",
    ),
    "the key typed before": (
        makers.cart(install=broken.typed_key_as_default),
        "test_an_answer_that_does_not_fit_is_explained",
        "field api_key of install gives away a key",
    ),
}


@pytest.mark.parametrize("name", CONNECTIONS)
def test_a_broken_install_fails_its_test(name: str) -> None:
    plugin, test, words = CONNECTIONS[name]
    kit = conformance_of(plugin)
    with pytest.raises(FAILURE, match=words), running(kit, StillClock(), Hooks(plugin)) as harness:
        getattr(kit, test)(harness)


KEY = Field("api_key", "API key", FieldKind.SECRET)
AWAY = Redirect("https://elsewhere.example/consent")
STEPS: list[tuple[Redirect | AskFields, str]] = [
    (AskFields((KEY, KEY)), "for a key twice"),
    (AskFields((replace(KEY, label=""),)), "cannot be drawn"),
    (AWAY, "elsewhere.example, which the manifest does not name"),
    (Redirect("https://tiny.example/consent", {"hint": "platform-secret"}), "a platform secret"),
    (Redirect("https://tiny.example/consent", {"state": "ours"}), "the core adds state"),
]


@pytest.mark.parametrize(("step", "words"), STEPS, ids=lambda value: str(value)[:30])
def test_a_broken_step_of_an_install_fails_its_test(step: Redirect | AskFields, words: str) -> None:
    plugin = makers.asking(step)
    kit = conformance_of(plugin)
    with running(kit, StillClock(), Hooks(plugin)) as harness:
        harness.app = PlatformSettings("live", secrets={"client_secret": Secret("platform-secret")})
        harness.manifest = replace(harness.manifest, environments=(Environment("live", "Live", (), ("tiny.example",)),))
        with pytest.raises(FAILURE, match=words):
            kit.test_what_is_asked_and_where_the_browser_is_sent(harness)


class Declining(TinyConformance):
    def declined_answer(self, shop: Any, step: object) -> dict[str, str]:
        return {"shop_url": shop.address, "api_key": "no"}


def test_a_declined_consent_that_connects_fails_its_test() -> None:
    for plugin, notices in (
        (tiny, nullcontext()),
        (broken.BELIEVES, pytest.raises(FAILURE, match="as if nothing were wrong")),
    ):
        kit = Declining()
        kit.plugin = plugin
        with running(kit, StillClock(), Hooks(plugin)) as harness, notices:
            kit.test_a_merchant_who_declines_is_told_so(harness)
