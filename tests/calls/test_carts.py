"""Loading carts: a broken one is listed and hinders nobody; every call reaches exactly one."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from is2_core.calls.carts import CartRegistry
from is2_core.calls.plugins import UnknownPlugin
from is2_core.errors import PluginBug
from plugins.amazon import plugin as amazon
from plugins.interface import CartManifest, Temporary, hookimpl

pytestmark = pytest.mark.unit


def cart(name: str, **changes: Any) -> Any:
    """A plugin like Amazon's manifest-wise, with no behavior."""
    manifest = replace(amazon.cart_manifest(), name=name, label=name.title(), **changes)

    class Plugin:
        @hookimpl
        def cart_manifest(self) -> CartManifest:
            return manifest

        @hookimpl
        def install(self, ctx: Any, reply: Any) -> Any:
            return f"{name} was asked"

        @hookimpl
        def fetch_orders(self, ctx: Any, query: Any) -> Any:
            raise ctx

    return Plugin()


@pytest.fixture
def registry() -> CartRegistry:
    made = CartRegistry()
    made.add("one", lambda: cart("one"))
    made.add("two", lambda: cart("two"))
    return made


def test_a_call_reaches_one_cart_only(registry: CartRegistry) -> None:
    assert registry.call("one", "install", ctx=None, reply=None) == "one was asked"
    assert registry.call("two", "install", ctx=None, reply=None) == "two was asked"
    with pytest.raises(UnknownPlugin):
        registry.call("three", "install", ctx=None, reply=None)


def test_the_installed_carts_are_found_by_their_entry_points(carts: CartRegistry) -> None:
    assert {"amazon", "tiny"} <= set(carts.names())
    assert carts.broken == []


def test_a_cart_that_fails_to_load_is_listed_and_the_others_work(registry: CartRegistry) -> None:
    def explode() -> object:
        raise ImportError("no module named shop")

    registry.add("bad", explode)
    (broken,) = registry.broken
    assert broken.name == "bad"
    assert "no module named shop" in broken.message
    assert "Traceback" in broken.trace
    assert registry.names() == ["one", "two"]


def test_another_contract_version_is_refused_with_what_to_do(registry: CartRegistry) -> None:
    registry.add("old", lambda: cart("old", contract="0.9"))
    assert "written for contract 0.9" in registry.broken[0].message
    assert "old" not in registry.names()


def test_a_name_that_clashes_or_does_not_fit_is_refused(registry: CartRegistry) -> None:
    registry.add("one", lambda: cart("one"))
    registry.add("other", lambda: cart("another"))
    assert [broken.name for broken in registry.broken] == ["one", "other"]
    assert registry.call("one", "install", ctx=None, reply=None) == "one was asked"


def test_a_misspelt_hook_is_noticed(registry: CartRegistry) -> None:
    class Misspelt:
        @hookimpl
        def fetch_ordres(self) -> None: ...

    registry.add("typo", Misspelt)
    assert "fetch_ordres" in registry.broken[0].message


@pytest.mark.parametrize("plugin", [ModuleType("no_hooks"), type(cart("klass")), object()])
def test_an_entry_point_that_names_no_hooks_is_told_what_to_name(registry: CartRegistry, plugin: object) -> None:
    registry.add("bare", lambda: plugin)
    (broken,) = registry.broken
    assert repr(plugin) in broken.message and "(package.module:object)" in broken.message
    assert registry.names() == ["one", "two"]


def test_a_cart_without_what_every_cart_needs_is_refused(registry: CartRegistry) -> None:
    class Bare:
        @hookimpl
        def cart_manifest(self) -> CartManifest:
            return replace(amazon.cart_manifest(), name="bare")

    registry.add("bare", Bare)
    assert "fetch_orders" in registry.broken[0].message


def test_contract_errors_pass_and_anything_else_is_a_plugin_bug_without_values(registry: CartRegistry) -> None:
    with pytest.raises(Temporary):
        registry.call("one", "fetch_orders", ctx=Temporary("later"), query=None)
    with pytest.raises(PluginBug) as caught:
        registry.call("one", "fetch_orders", ctx=KeyError("Ann Example, 1 Main St"), query=None)
    assert "KeyError" in caught.value.trace
    assert "Ann" not in caught.value.trace + caught.value.message


def test_a_hook_left_out_is_a_capability_it_lacks(registry: CartRegistry) -> None:
    assert registry.has("one", "install")
    assert not registry.has("one", "acknowledge_orders")
    assert registry.hooks("one") == ["cart_manifest", "fetch_orders", "install"]
