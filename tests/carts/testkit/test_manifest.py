"""Carts that say something impossible of themselves, or import what they must not: the kit notices."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest
from is2_tiny import plugin as tiny

from plugins.conformance.carts.hooks import Hooks
from plugins.interface import Environment, Field, FieldKind, RatePlan, ScheduleChoice, SchedulePlan, hookimpl
from tests.carts.testkit import makers
from tests.carts.testkit.driving import check, conformance_of
from tests.carts.tiny_conformance import TinyConformance

HOUR = timedelta(hours=1)
FIELDS = "test_its_fields_can_be_drawn_and_filled"
SCHEDULES = "test_its_schedules_offer_their_own_default"
LIMITS = "test_its_limits_are_possible"
HOURLY = ScheduleChoice(HOUR, "every hour")
MANIFESTS: list[tuple[dict[str, Any], str, str]] = [
    ({"contract": "3.0"}, "test_it_names_itself_and_the_contract", "contract 3.0"),
    ({"label": ""}, "test_it_names_itself_and_the_contract", "a label"),
    ({"store_fields": (Field("a", "A"), Field("a", "B"))}, FIELDS, "stand there twice"),
    ({"store_fields": (Field("a", "A", FieldKind.CHOICE, default="x", choices=(("y", "Y"),)),)}, FIELDS, "choices"),
    ({"store_fields": (Field("a", "A", FieldKind.INTEGER, default="9", maximum=5),)}, FIELDS, "above its maximum"),
    ({"store_fields": (Field("a", "A", FieldKind.INTEGER, default="1", minimum=5),)}, FIELDS, "below its minimum"),
    ({"store_fields": (Field("a", "A", FieldKind.INTEGER, default="-1"),)}, FIELDS, "below its minimum 0"),
    ({"store_fields": (Field("a", "A", FieldKind.INTEGER, default="--1", minimum=-5),)}, FIELDS, "no whole number"),
    ({"store_fields": (Field("a", "A", FieldKind.INTEGER, minimum=6, maximum=5),)}, FIELDS, "above its maximum"),
    ({"store_fields": (Field("a", "A", FieldKind.YES_NO, default="maybe"),)}, FIELDS, "maybe"),
    ({"platform_fields": (Field("a", "A", FieldKind.SECRET, default="s3cret"),)}, FIELDS, "no default"),
    ({"order_schedule": SchedulePlan((HOURLY,), timedelta(minutes=5))}, SCHEDULES, "not among the choices"),
    ({"order_schedule": SchedulePlan((HOURLY,), HOUR, timedelta(hours=2))}, SCHEDULES, "below its floor"),
    ({"order_schedule": SchedulePlan((ScheduleChoice(None, "Off"),), None)}, SCHEDULES, "orders are read"),
    ({"inventory_schedule": None}, SCHEDULES, "never called"),
    ({"rate_plans": {" ": RatePlan(1, 1)}}, LIMITS, "operation's name"),
    ({"rate_header": "X-Rate"}, LIMITS, "lower case"),
    ({"platform_fields": (Field("a", "A", former_for=HOUR),)}, FIELDS, "former value"),
    ({"tracking_batch": 0}, LIMITS, "tracking_batch"),
    ({"read_lag": -HOUR}, LIMITS, "read_lag"),
    (
        {"environments": (Environment("live", "Live", ("https://shop.example.com",)),)},
        "test_its_regions_sites_hosts_and_carriers_are_told_apart",
        "without a scheme",
    ),
    ({"carrier_codes": {"UPS": ""}}, "test_its_regions_sites_hosts_and_carriers_are_told_apart", "no code"),
]


@pytest.mark.parametrize(("changes", "test", "words"), MANIFESTS, ids=lambda value: str(value)[:40])
def test_a_broken_manifest_fails_its_test(changes: dict[str, Any], test: str, words: str) -> None:
    plugin = makers.manifest(**changes)
    with pytest.raises(AssertionError, match=words):
        getattr(conformance_of(plugin), test)(Hooks(plugin))
    getattr(conformance_of(tiny), test)(Hooks(tiny))


def test_a_limit_that_no_request_goes_by_is_found() -> None:
    for plans, words in (({"Shop": RatePlan(1, 1)}, "spelled otherwise"), ({"orders": RatePlan(1, 1)}, "no limit")):
        with pytest.raises(AssertionError, match=words):
            check(makers.manifest(rate_plans=plans), "test_its_requests_go_by_the_names_of_its_rate_plans")


def test_a_hook_that_is_never_called_is_found() -> None:
    def fetch_order(ctx: object, remote_id: str) -> None:
        """Without its mark."""

    @hookimpl
    def fetch_oders(ctx: object) -> None:
        """Misspelled."""

    @hookimpl
    def install(context: object) -> None:
        """With an argument of another name."""

    plugin = makers.cart(fetch_order)
    with pytest.raises(AssertionError, match="fetch_order: a hook without @hookimpl"):
        conformance_of(plugin).test_its_hooks_are_those_of_the_contract(Hooks(plugin))
    for wrong in (fetch_oders, install):
        with pytest.raises(pluggy.PluginValidationError):
            Hooks(makers.cart(wrong))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("from is2_core.clock import Clock", "nothing else of the platform"),
        ("import plugins.amazon.plugin", "nothing else of the platform"),
        ("import requests", "only way out"),
        ("def f():\n    from urllib.request import urlopen", "only way out"),
        ("import yarl_of_nobody", "name yarl_of_nobody in `libraries`"),
        ("import subprocess", "starts no program"),
        ("from os import popen", "starts no program"),
        ("from importlib import import_module", "write a plain import"),
    ],
)
def test_a_foreign_import_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: str) -> None:
    hooks = hooks_of_a_package(tmp_path, monkeypatch, f"import sys\n{line}\n")
    with pytest.raises(AssertionError, match=f"is2_foreign.deeper, line [23].*{words}"):
        TinyConformance().test_it_imports_the_contract_and_its_own_libraries_only(hooks)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import os as o\no.execvp('curl', ['curl'])", "uses os.execvp: a cart starts no program"),
        ("import importlib\nimportlib.import_module('socket')", "uses importlib.import_module: .*plain import"),
        ("__import__('socket')", "uses __import__: .*plain import"),
    ],
)
def test_a_way_round_the_imports_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: str
) -> None:
    hooks = hooks_of_a_package(tmp_path, monkeypatch, f"import importlib.resources, sys\npty = sys.argv\n{line}\n")
    with pytest.raises(AssertionError, match=rf"\Ais2_foreign.deeper, line [34], {words}.*\Z"):
        TinyConformance().test_it_starts_no_program_and_imports_by_plain_names(hooks)


def test_what_is_loaded_by_the_way_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = hooks_of_a_package(tmp_path, monkeypatch, "import importlib\nimportlib.import_module('is2_core.clock')\n")
    with pytest.raises(AssertionError, match=r"is2_core\.clock"):
        TinyConformance().test_loading_it_loads_nothing_of_the_platform(hooks)


def hooks_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deeper: str) -> Any:
    """The hooks of a cart that imports a module with this source, which nobody runs here."""
    package = tmp_path / "is2_foreign"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text("from plugins.interface import hookimpl\nfrom is2_foreign import deeper\n")
    (package / "deeper.py").write_text(deeper)
    (package / "simulator.py").write_text("import flask\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "is2_foreign", raising=False)
    return SimpleNamespace(modules=frozenset({"is2_foreign.plugin"}))
