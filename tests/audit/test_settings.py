"""What people change is in the audit log, before and after, without secrets and without anything of a buyer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts import people, users
from is2_core.accounts.scope import account_scope
from is2_core.admin import cart_setup, support_cases
from is2_core.audit import Actor, acting
from is2_core.audit.models import AuditEntry
from is2_core.cases.cases import raise_case
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.install import settings
from is2_core.install.disconnect import disconnect
from is2_core.install.settings import finish_setup
from is2_core.items import custom_items, shipping_mappings
from is2_core.items.models import CartItem
from is2_core.orders import actions
from is2_core.orders.models import ReceivedOrder
from is2_core.orders.states import UNPLACED
from is2_core.shipments import carrier_codes
from tests.support.amazon import APPLICATION
from tests.support.panel import ALICE, Panel

ANN = Actor(7, "ann@example.test", "admin", "192.0.2.7")
STREET = {"name": "Zoe Neverseen", "line1": "9 Hidden Lane", "city": "Austin", "region": "TX", "postal_code": "73301",
          "country": "US"}  # fmt: skip


def rows(panel: Panel) -> list[tuple[Any, ...]]:
    with panel.platform.db.read() as db:
        query = sa.select(AuditEntry.act, AuditEntry.subject, AuditEntry.before, AuditEntry.after)
        return [tuple(row) for row in db.execute(query.where(AuditEntry.user_id == 7).order_by(AuditEntry.id))]


def form_of(panel: Panel, store: int) -> dict[str, str]:
    found = settings.settings_form(panel.platform, integration_id=store, scope=account_scope(panel.northwind))
    return {entry.field.key: entry.value for entry in found}


Change = Callable[[], object]


def changes(panel: Panel) -> dict[str, Change]:
    """Something of each kind that a person can change, by the subject and act that tell of it."""
    platform, store, account = panel.platform, panel.store(panel.northwind).id, panel.northwind
    of_account: dict[str, Any] = {"integration_id": store, "scope": account_scope(account)}
    with platform.db.write() as db:
        raise_case(db, panel.clock.now(), account_id=account, kind=CaseKind.HELP, subject="x", message="x")
    with platform.db.read() as db:
        case = db.scalars(sa.select(SupportCase.id)).one()
        item = db.scalars(sa.select(CartItem.id).where(CartItem.integration_id == store)).first()
        held = sa.select(ReceivedOrder.id).where(ReceivedOrder.account_id == account, ReceivedOrder.state.in_(UNPLACED))
        order = db.scalars(held).first()
    alice = people.user_id_of(platform, ALICE)
    assert item and order
    values = {
        **APPLICATION,
        "client_secret": "another-secret-0123456789",
        "client_id": "amzn1.application-oa2-client.x",
    }

    def map_method() -> None:
        mapping = shipping_mappings.add_shipping_mapping(platform, **of_account, method="NEXT", service="GROUND")
        shipping_mappings.remove_shipping_mapping(platform, mapping_id=mapping, scope=account_scope(account))

    return {
        f"settings.change integration {store}": lambda: finish_setup(
            platform, **of_account, values={**form_of(panel, store), "nickname": "Camp"}
        ),
        "cart.change cart amazon": lambda: cart_setup.save_cart_settings(platform, "amazon", "simulator", values),
        f"mapping.add integration {store}": map_method,
        f"latency.change item {item}": lambda: custom_items.set_latency(
            platform, item_id=item, scope=account_scope(account), latency="3"
        ),
        "carrier_code.change cart amazon": lambda: carrier_codes.set_code(
            platform, cart="amazon", carrier="Pigeon", code="PGN"
        ),
        f"case.close case {case}": lambda: support_cases.close_case(
            platform, case_id=case, user_id=alice, answer="It was Zoe Neverseen."
        ),
        f"buyer.change received order {order}": lambda: actions.correct_address(
            platform, order_id=order, scope=account_scope(account), user_id=alice, values=STREET
        ),
        f"user.disable user {alice}": lambda: people.set_enabled(platform, user_id=alice, enabled=False, by=None),
        f"integration.disconnect integration {store}": lambda: disconnect(platform, **of_account, user_id=alice),
        "sign_in.refused who@example.com": lambda: users.sign_in(platform, "Who@example.com", "no"),
        "sign_in.refused no e-mail address": lambda: users.sign_in(platform, "my-Passw0rd@home", "no"),
    }


def test_what_a_person_changes_is_told_without_secrets(panel: Panel, caplog: pytest.LogCaptureFixture) -> None:
    with acting(ANN):
        for told, change in changes(panel).items():
            before = len(rows(panel))
            change()
            new = rows(panel)[before:]
            assert told in {f"{act} {subject}" for act, subject, *_ in new}, (told, new)
    found = {act: (before, after) for act, _, before, after in rows(panel)}
    assert found["settings.change"] == ({"nickname": "Outdoor"}, {"nickname": "Camp"})
    cart = found["cart.change"][1]
    assert (cart["client_id"], cart["secrets replaced"]) == ("amzn1.application-oa2-client.x", ["client_secret"])
    assert found["mapping.remove"] == ({"method": "NEXT", "service": "GROUND", "hold": False}, None)
    assert found["latency.change"] == ({"latency": ""}, {"latency": "3"})
    text = json.dumps(rows(panel))
    for kept_out in ("another-secret", APPLICATION["client_secret"], "Neverseen", "Hidden", "73301", "Passw0rd"):
        assert kept_out.casefold() not in text.casefold(), kept_out
    assert "a sign-in of who@example.com from 192.0.2.7 was refused" in caplog.text
    assert "passw0rd" not in caplog.text.casefold()


def test_a_request_tells_who_and_from_where_and_a_stranger_s_its_address(panel: Panel) -> None:
    browser = panel.browser()
    browser.client.post("/sign-in", data={"csrf_token": browser.token(), "email": ALICE, "password": "wrong"})
    panel.browser().sign_in(ALICE)
    with panel.platform.db.read() as db:
        both = sa.select(AuditEntry).where(AuditEntry.act.startswith("sign_in")).order_by(AuditEntry.id.desc()).limit(2)
        signed_in, refused = db.scalars(both)
    alice = people.user_id_of(panel.platform, ALICE)
    assert (refused.act, refused.subject) == ("sign_in.refused", f"user {alice}")
    assert (refused.user_id, refused.actor, refused.address) == (None, "", "127.0.0.1")
    assert (signed_in.act, signed_in.subject) == ("sign_in", f"user {alice}")
    assert (signed_in.user_id, signed_in.actor, signed_in.role) == (alice, ALICE, "merchant")
    assert signed_in.address == "127.0.0.1"
