"""Calling a warehouse about an account: the only way to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import sqlalchemy as sa

from is2_core.accounts.models import Account, Integration
from is2_core.calls.http import CallRules, CoreHttp, no_lease
from is2_core.calls.live_limits import person_waits
from is2_core.db.unit import in_transaction
from is2_core.errors import FlowError, PluginBug
from is2_core.platform import Platform
from is2_core.settings.links import Link
from is2_core.tasks.run import TaskRun
from is2_core.warehouses.models import WarehouseSetting
from is2_core.warehouses.settings import settings_of
from plugins.errors import CartError, Temporary
from plugins.warehouse import (
    Activity,
    Already,
    Answers,
    CancelAnswer,
    Cancelled,
    FieldKind,
    FoundOrder,
    KnownSkus,
    NewOrder,
    PartlyCancelled,
    Pending,
    PlaceAnswer,
    Placed,
    Refused,
    Retry,
    Service,
    Shipments,
    Stock,
    TooLate,
    Unknown,
    WarehouseContext,
    WarehouseManifest,
    WarehouseSettings,
)

OLDEST_STOCK = timedelta(hours=24)
_log = logging.getLogger(__name__)
T = TypeVar("T")


class WarehouseUnavailable(FlowError):
    """The warehouse could not be asked."""

    status = 502


def warehouse_of(platform: Platform, target: str, account_id: int, *, run: TaskRun | None = None) -> Warehouse:
    """The warehouse of an account; opens a unit of work of its own.

    Args:
        target: `Integration.wms_target`.
        run: proves, before orders are placed or stopped and before every HTTP call, that it still owns its task.

    Raises:
        Temporary: no warehouse of that name works in this installation.
    """
    if target not in platform.warehouses.names():
        raise Temporary(
            "The warehouse is not available at the moment.",
            detail=f"no working warehouse named {target!r} is installed",
            code="WAREHOUSE_MISSING",
        )
    manifest = platform.warehouses.manifest(target)
    with platform.db.read() as session:
        account = session.scalars(sa.select(Account.code).where(Account.id == account_id)).one()
        settings = settings_of(session.get(WarehouseSetting, target))
    rules = CallRules(
        hosts=_hosts(manifest, settings),
        rate_plans=manifest.rate_plans,
        integration_key=f"warehouse:{target}",
        application_key=f"warehouse:{target}",
        plaintext=Link.CART in platform.config.allow_plaintext,
    )
    http = CoreHttp(
        transport=platform.transport,
        buckets=platform.buckets,
        clock=platform.clock,
        rules=rules,
        before_call=run.heartbeat if run else no_lease,
    )
    log = logging.LoggerAdapter(logging.getLogger(f"is2.warehouse.{target}"), {"account": account})
    return Warehouse(platform, manifest, WarehouseContext(account, settings, http, platform.clock, log), run)


def makes_no_calls(platform: Platform, target: str) -> bool:
    """Whether a warehouse is installed that can make no HTTP calls, since it names no host and asks for no address."""
    if target not in platform.warehouses.names():
        return False
    manifest = platform.warehouses.manifest(target)
    return not manifest.hosts and all(field.kind is not FieldKind.URL for field in manifest.settings)


def ask_now(platform: Platform, integration: Integration, ask: Callable[[Warehouse], T]) -> T:
    """Ask an integration's warehouse while a person waits.

    Raises:
        WarehouseUnavailable: it could not be asked, or its plugin is at fault.
    """
    try:
        with person_waits(platform.live_calls, integration.account_id):
            return ask(warehouse_of(platform, integration.wms_target, integration.account_id))
    except CartError as error:
        raise WarehouseUnavailable(f"{error.message} Please try again in a minute.") from error
    except PluginBug as error:
        _log.error("warehouse %s failed:\n%s", integration.wms_target, error.trace)
        raise WarehouseUnavailable(error.message) from error


def _hosts(manifest: WarehouseManifest, settings: WarehouseSettings) -> frozenset[str]:
    addresses = [settings.values.get(field.key, "") for field in manifest.settings if field.kind is FieldKind.URL]
    return frozenset([*manifest.hosts, *(urlsplit(address).netloc.lower() for address in addresses if address)])


@dataclass(frozen=True)
class Warehouse:
    """A warehouse and the account it is asked about. Each method is the hook of its name in `plugins.warehouse`, never
    called inside a unit of work, and raises what the plugin says (`CartError`) or `PluginBug`."""

    platform: Platform
    manifest: WarehouseManifest
    context: WarehouseContext
    run: TaskRun | None = None

    def place_orders(self, orders: Sequence[NewOrder]) -> list[PlaceAnswer]:
        self._prove()
        answers: list[PlaceAnswer] = self._many("place_orders", orders=tuple(orders))
        self._expect("place_orders", answers, (Placed, Already, Refused, Retry, Unknown, Pending))
        if len(answers) != len(orders):
            raise self._bug("place_orders", f"{len(answers)} answers to {len(orders)} orders")
        return answers

    def answers_since(self, cursor: str) -> Answers:
        if not self.platform.warehouses.has(self.manifest.name, "answers_since"):
            return Answers((), cursor)
        return self._one("answers_since", Answers, cursor=cursor)

    def find_order(self, number: str) -> list[FoundOrder]:
        found: list[FoundOrder] = self._many("find_order", number=number)
        self._expect("find_order", found, (FoundOrder,))
        return found

    def cancel_order(self, number: str) -> CancelAnswer:
        self._prove()
        answer: CancelAnswer = self._call("cancel_order", number=number)
        self._expect("cancel_order", [answer], (Cancelled, PartlyCancelled, TooLate, Pending))
        return answer

    def skus(self, cursor: str) -> KnownSkus:
        return self._one("skus", KnownSkus, cursor=cursor)

    def stock(self, skus: Sequence[str] | None = None) -> list[Stock]:
        """Without what is older than `OLDEST_STOCK`: a number that may be wrong by now is none."""
        rows: list[Stock] = self._many("stock", skus=skus)
        self._expect("stock", rows, (Stock,))
        oldest = self.context.clock.now() - OLDEST_STOCK
        fresh = [row for row in rows if row.as_of >= oldest]
        if len(fresh) < len(rows):
            _log.warning("warehouse %s: stock of %s SKUs is too old to use", self.manifest.name, len(rows) - len(fresh))
        return fresh

    def activity_since(self, cursor: str) -> Activity:
        return self._one("activity_since", Activity, cursor=cursor)

    def shipments_since(self, cursor: str) -> Shipments:
        return self._one("shipments_since", Shipments, cursor=cursor)

    def services(self) -> list[Service]:
        return self._many("services")

    def carriers(self) -> list[str]:
        if not self.platform.warehouses.has(self.manifest.name, "carriers"):
            return []
        names: list[str] = self._many("carriers")
        self._expect("carriers", names, (str,))
        return names

    def forget(self, number: str) -> None:
        if self.platform.warehouses.has(self.manifest.name, "forget"):
            self._call("forget", number=number)

    def _prove(self) -> None:
        # A warehouse that makes no HTTP calls passes no other place where it would be proved.
        if self.run is not None:
            self.run.before_write()

    def _one(self, hook: str, kind: type[T], **arguments: object) -> T:
        answer = self._call(hook, **arguments)
        self._expect(hook, [answer], (kind,))
        found: T = answer
        return found

    def _many(self, hook: str, **arguments: object) -> list[Any]:
        answer = self._call(hook, **arguments)
        if answer is None:
            raise self._bug(hook, "returned nothing")
        return list(answer)

    def _expect(self, hook: str, answers: Sequence[object], kinds: tuple[type, ...]) -> None:
        for answer in answers:
            if not isinstance(answer, kinds):
                raise self._bug(hook, f"answered with {type(answer).__name__}")

    def _call(self, hook: str, **arguments: object) -> Any:
        if in_transaction():
            raise RuntimeError(f"the warehouse's {hook} was called while a transaction is open")
        started = time.monotonic()
        try:
            return self.platform.warehouses.call(self.manifest.name, hook, ctx=self.context, **arguments)
        finally:
            took_ms = (time.monotonic() - started) * 1000
            _log.info("warehouse %s: %s in %.0f ms", self.manifest.name, hook, took_ms)

    def _bug(self, hook: str, detail: str) -> PluginBug:
        return PluginBug(self.manifest.name, hook, f"{hook}: {detail}")
