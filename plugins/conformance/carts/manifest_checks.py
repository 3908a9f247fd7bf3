"""Checks of a cart's manifest."""

from __future__ import annotations

import importlib.metadata
import inspect
from collections.abc import Iterable
from datetime import timedelta

from plugins import interface
from plugins.conformance.carts.cart_under_test import CartUnderTest
from plugins.conformance.carts.hooks import NEEDED, Hooks
from plugins.interface import CONTRACT_VERSION, ENTRY_POINTS, Field, FieldKind, SchedulePlan


class ManifestChecks(CartUnderTest):
    """The manifest and the hooks; no shop is needed."""

    def test_its_hooks_are_those_of_the_contract(self, hooks: Hooks) -> None:
        lacking = [hook for hook in NEEDED if hook not in hooks.names]
        assert not lacking, f"every cart needs {', '.join(lacking)}"
        public = [name for name in interface.__all__ if hasattr(getattr(interface, name), f"{interface.PROJECT}_spec")]
        bare = [name for name in public if inspect.isfunction(getattr(self.plugin, name, None))]
        unmarked = sorted(set(bare) - hooks.names)
        assert not unmarked, f"{', '.join(unmarked)}: a hook without @hookimpl is never called"

    def test_it_names_itself_and_the_contract(self, hooks: Hooks) -> None:
        manifest = hooks.call("cart_manifest")
        major = CONTRACT_VERSION.partition(".")[0]
        assert manifest.contract.partition(".")[0] == major, (
            f"it is written for contract {manifest.contract}; this platform speaks {CONTRACT_VERSION}"
        )
        assert manifest.label.strip() and manifest.version.strip(), "the manifest needs a label and a version"
        module = getattr(self.plugin, "__name__", "")
        entries = importlib.metadata.entry_points(group=ENTRY_POINTS)
        names = {entry.name for entry in entries if entry.value.partition(":")[0] == module}
        assert not names or manifest.name in names, f"the manifest is named {manifest.name!r}, the entry point {names}"

    def test_the_manifest_needs_no_shop_and_stays_the_same(self, hooks: Hooks) -> None:
        # `Hooks` refuses connections, and there is no context to call the shop with.
        assert hooks.call("cart_manifest") == hooks.call("cart_manifest"), "cart_manifest must always say the same"

    def test_its_fields_can_be_drawn_and_filled(self, hooks: Hooks) -> None:
        manifest = hooks.call("cart_manifest")
        for fields in (manifest.platform_fields, manifest.store_fields):
            _unique("field keys", (field.key for field in fields))
            for field in fields:
                problem = problem_of(field)
                assert not problem, f"field {field.key!r}: {problem}"

    def test_its_schedules_offer_their_own_default(self, hooks: Hooks) -> None:
        manifest = hooks.call("cart_manifest")
        _check_schedule("order_schedule", manifest.order_schedule)
        assert manifest.order_schedule.default is not None, "orders are read unless the merchant turns it off"
        if manifest.inventory_schedule is not None:
            _check_schedule("inventory_schedule", manifest.inventory_schedule)
        assert "push_inventory" not in hooks.names or manifest.inventory_schedule is not None, (
            "push_inventory is never called without an inventory_schedule in the manifest"
        )

    def test_its_limits_are_possible(self, hooks: Hooks) -> None:
        manifest = hooks.call("cart_manifest")
        plans = [*manifest.rate_plans, *manifest.application_plans]
        assert all(operation.strip() for operation in plans), "a rate plan needs its operation's name"
        assert manifest.rate_header == manifest.rate_header.lower(), "rate_header is written in lower case"
        for batch in ("acknowledge_batch", "inventory_batch", "tracking_batch"):
            assert getattr(manifest, batch) >= 1, f"{batch} must be 1 or more"
        for span in ("read_lag", "overlap"):
            assert getattr(manifest, span) >= timedelta(0), f"{span} cannot be negative"

    def test_its_regions_sites_hosts_and_carriers_are_told_apart(self, hooks: Hooks) -> None:
        manifest = hooks.call("cart_manifest")
        _unique("region codes", (region.code for region in manifest.regions))
        for region in manifest.regions:
            _unique(f"sites of {region.code}", (site.id for site in region.sites))
            assert region.label and region.sites, f"region {region.code} needs a label and at least one site"
        _unique("environments", (environment.code for environment in manifest.environments))
        hosts = [host for entry in manifest.environments for host in (*entry.hosts, *entry.browser_hosts)]
        wrong = [host for host in hosts if "/" in host or host != host.lower() or not host.strip("*.")]
        assert not wrong, f"{wrong}: a host is named without a scheme and a path, in lower case"
        empty = [name for name, code in manifest.carrier_codes.items() if not (name.strip() and code.strip())]
        assert not empty, f"the carriers {empty} have no name or no code"


def problem_of(field: Field) -> str:
    """Return the problem of a declared field; "" where there is none."""
    values = [value for value, _ in field.choices]
    if not field.key.isidentifier() or not field.label.strip():
        return "it needs a key that is an identifier, and a label"
    if len(values) != len(set(values)):
        return "two choices have the same value"
    # The core fills in the choices of the home site.
    if field.kind is FieldKind.CHOICE and field.default and field.choices and field.default not in values:
        return f"its default {field.default!r} is not among its choices"
    if field.kind in (FieldKind.YES_NO, FieldKind.BOX) and field.default not in ("", "yes", "no"):
        return f'its default is {field.default!r}, and can be "yes" or "no"'
    if field.kind is FieldKind.SECRET and field.default:
        return "a secret has no default"
    if field.former_for and field.kind is not FieldKind.SECRET:
        return "only a secret can have a former value"
    if field.kind is FieldKind.INTEGER:
        low, high = field.minimum or 0, field.maximum
        if high is not None and low > high:
            return f"its minimum {low} is above its maximum {high}"
        if field.default and not field.default.removeprefix("-").isdigit():
            return f"its default {field.default!r} is no whole number"
        if field.default and int(field.default) < low:
            return f"its default {field.default} is below its minimum {low}"
        if field.default and high is not None and int(field.default) > high:
            return f"its default {field.default} is above its maximum {high}"
    return ""


def _check_schedule(name: str, plan: SchedulePlan) -> None:
    spans = [choice.every for choice in plan.choices]
    assert plan.choices and len(spans) == len(set(spans)), f"{name} needs choices, each of them once"
    assert plan.default in spans, f"{name}: the default {plan.default} is not among the choices"
    below = [span for span in spans if span is not None and (span <= timedelta(0) or span < plan.floor)]
    assert not below, f"{name} offers {below[0]}, which is below its floor {plan.floor}"
    assert all(choice.label.strip() for choice in plan.choices), f"{name}: every choice needs a label"


def _unique(what: str, values: Iterable[str]) -> None:
    listed = list(values)
    twice = sorted({value for value in listed if listed.count(value) > 1 or not value})
    assert not twice, f"{what}: {twice} are empty or stand there twice"
