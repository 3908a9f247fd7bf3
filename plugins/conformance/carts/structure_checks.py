"""Checks of a cart's imports, its state and the names of its requests."""

from __future__ import annotations

from plugins.conformance import imports
from plugins.conformance.carts.cart_under_test import CartUnderTest
from plugins.conformance.carts.harness import Harness
from plugins.conformance.carts.hooks import Hooks
from plugins.conformance.carts.sample_calls import TRIED, prepare
from plugins.conformance.module_state import module_state


class StructureChecks(CartUnderTest):
    """The rules that keep carts apart from the platform and from each other."""

    def test_it_imports_the_contract_and_its_own_libraries_only(self, hooks: Hooks) -> None:
        packages = [imports.own_package(module) for module in hooks.modules]
        wrong = {
            f"{name}, line {line}, imports {module}: {problem}": None
            for name, path in imports.own_modules(hooks.modules).items()
            for module, line in imports.imported(name, path)
            if (problem := imports.complaint(module, packages, self.libraries))
        }
        assert not wrong, "\n".join(wrong)

    def test_it_starts_no_program_and_imports_by_plain_names(self, hooks: Hooks) -> None:
        wrong = {
            f"{name}, line {line}, uses {used}: {problem}": None
            for name, path in imports.own_modules(hooks.modules).items()
            for used, line in imports.used(path)
            if (problem := imports.forbidden(used))
        }
        assert not wrong, "\n".join(wrong)

    def test_loading_it_loads_nothing_of_the_platform(self, hooks: Hooks) -> None:
        loaded = imports.loaded_with(hooks.modules)
        foreign = sorted(name for name in loaded if imports.is_under(name, *imports.PLATFORM, *imports.CLIENTS))
        assert not foreign, f"importing the cart loads {', '.join(foreign)}, through a module it imports"

    def test_it_keeps_no_state(self, unconnected: Harness, hooks: Hooks) -> None:
        modules = set(imports.own_modules(hooks.modules))
        before = module_state(modules)
        unconnected.connect()
        self._call_everything(unconnected)
        # A key may have been there before, of an earlier store.
        held = unconnected.found_in(module_state(modules, with_caches=True))
        assert not held, (
            f"{', '.join(held)} of a store: a worker serves many stores, and another worker has never seen this one. "
            "Take keys by ctx.token.get() and addresses from ctx.store.settings, anew at each call"
        )
        after = module_state(modules)
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        assert not changed, (
            f"{', '.join(changed)} changed during calls: workers are many and forget; what a cart must remember rides "
            "in a remote_id, a page token or a handle"
        )

    def test_its_requests_go_by_the_names_of_its_rate_plans(self, harness: Harness) -> None:
        self._call_everything(harness)
        plans = harness.manifest.rate_plans.keys() | harness.manifest.application_plans.keys()
        used = set(harness.http.operations())
        near = {_bare(plan): plan for plan in plans}
        wrong = {name: near[_bare(name)] for name in used - plans if _bare(name) in near}
        assert not wrong, f"these requests pass the limits by, for their names are spelled otherwise: {wrong}"
        assert not plans or used & plans, "no request goes by the name of a rate plan, so no limit is kept"

    def _call_everything(self, harness: Harness) -> None:
        for hook in TRIED:
            if harness.has(hook):
                trial = prepare(harness, hook)
                if not isinstance(trial, str):
                    trial.run()


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
