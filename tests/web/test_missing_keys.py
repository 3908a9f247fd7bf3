"""A page opens no sealed value that it does not show, and lives without a key it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from is2_core.admin import cart_setup
from is2_core.audit.models import AuditEntry
from is2_core.carts import cart_settings
from is2_core.carts.models import CartSetting
from is2_core.carts.resealing import STEPS
from is2_core.crypto import Keyring, UnknownKey
from is2_core.db.reseal import reseal
from is2_core.db.types import use_keyring
from plugins.interface import Temporary
from tests.conftest import KEYS
from tests.support.amazon import APPLICATION
from tests.support.panel import ADMIN, PACKER, Panel
from tests.web.test_rules import address, rules

# What a page shows of sealed values. Secrets of carts and warehouses, tokens and credentials are shown nowhere.
HOLD, REASON = "hold.sealed", "received_order.sealed_reason"
SHOWN = {
    "received_orders.list_orders": {HOLD, REASON},
    "received_orders.detail": {
        HOLD,
        REASON,
        "recipient.sealed",
        "recipient.corrected",
        "order_event.sealed",
        "received_order.sealed_caution",
        "received_order.sealed_cancel_reason",
        "received_order.sealed_ack_message",
        "line_customization.sealed_message",
        "package.sealed_post_message",
    },
    "received_orders.address": {"recipient.sealed", "recipient.corrected"},
    "customizations.of_received": {"line_customization.sealed", "line_customization.sealed_name"},
    "customizations.of_warehouse": {"warehouse_file.sealed", "warehouse_file.sealed_name"},
    "orders_export.export": {HOLD, REASON},
    "warehouse.ledger": {"stock_movement.sealed_reason"},
    "warehouse.order": {"warehouse_order.sealed", "warehouse_order.sealed_stop_reason", "warehouse_file.sealed_name"},
    "warehouse.pack": {"warehouse_order.sealed", "warehouse_order.sealed_stop_reason", "warehouse_file.sealed_name"},
    "support.cases": {"support_case.sealed_message", "support_case.sealed_answer"},
    "help.show": {"support_case.sealed_message", "support_case.sealed_answer"},
}
PROOF = "audit_chain.key"
LACKS = "this server lacks a key"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what is opened, by purpose."""
    counted: Counter[str] = Counter()
    real = Keyring.open

    def counting(self: Keyring, purpose: str, key: tuple[int | str | None, ...], sealed: str) -> bytes:
        counted[purpose] += 1
        return real(self, purpose, key, sealed)

    monkeypatch.setattr(Keyring, "open", counting)
    return counted


@pytest.fixture
def without_key() -> Iterator[None]:
    """A process whose only key is another one than the stored values' ."""
    use_keyring(Keyring.parse(Keyring.generate("other")))
    yield
    use_keyring(Keyring.parse(KEYS))


def rows_of_audit(panel: Panel) -> int:
    with panel.platform.db.read() as session:
        return session.scalars(sa.select(sa.func.count()).select_from(AuditEntry)).one()


@pytest.mark.parametrize("email", [None, ADMIN, PACKER])
def test_no_page_opens_what_it_does_not_show(panel: Panel, opened: Counter[str], email: str | None) -> None:
    browser = panel.browser(email)
    before = rows_of_audit(panel)
    for rule in rules(panel, "GET"):
        opened.clear()
        assert browser.client.get(address(panel, rule, panel.northwind)).status_code < 600
        # What is told to the audit log proves itself by a key of its own.
        told = {PROOF} if rows_of_audit(panel) > before else set()
        before = rows_of_audit(panel)
        assert set(opened) <= SHOWN.get(rule.endpoint, set()) | told, rule
        # Of the list's rows each value once, and none that stands on another page of it.
        assert sum(opened.values()) <= 100, (rule, opened)


@pytest.mark.parametrize("email", [ADMIN, PACKER])
def test_without_a_key_pages_work_and_say_what_they_lack(panel: Panel, without_key: None, email: str | None) -> None:
    browser = panel.browser(email)
    told = set()
    for rule in rules(panel, "GET"):
        answer = browser.client.get(address(panel, rule, panel.northwind))
        text = answer.get_data(as_text=True).lower()
        if answer.status_code == 503 and rule.endpoint != "health.readyz":
            # No page: half a table would be taken for the whole one.
            assert LACKS in text, rule
            is_file = rule.rule.endswith((".csv", ".json")) or rule.endpoint.startswith("customizations.")
            assert is_file, rule
        elif LACKS in text:
            told.add(rule.endpoint)
        assert answer.status_code != 500, rule
    assert told <= set(SHOWN)
    assert ("received_orders.list_orders" in told) == (email == ADMIN)
    assert "warehouse.ledger" in told


def test_without_its_key_a_secret_fails_only_who_asks_for_it(panel: Panel) -> None:
    with panel.platform.db.write() as session:
        session.execute(sa.text("UPDATE cart_setting SET secrets = '2:lost.AAAA'"))
    stored = cart_settings.stored_settings(panel.platform, "amazon")
    assert stored.secrets_set == {"client_secret"}
    settings = cart_settings.platform_settings(panel.platform, "amazon")
    assert settings.values["application_id"]
    with pytest.raises(Temporary, match="lacks the key") as caught:
        settings.secrets.get("client_secret")
    assert caught.value.code == "NO_KEY"
    kept = {**APPLICATION, "client_secret": "", "simulator_url": "http://127.0.0.1:1"}
    with pytest.raises(UnknownKey):
        cart_setup.save_cart_settings(panel.platform, "amazon", "simulator", kept)
    # Typed anew, it needs no key of before.
    cart_setup.save_cart_settings(panel.platform, "amazon", "simulator", {**kept, "client_secret": "n" * 32})
    assert cart_settings.platform_settings(panel.platform, "amazon").secrets["client_secret"].value == "n" * 32


def test_secrets_of_an_earlier_release_are_dated_by_their_row(panel: Panel) -> None:
    with panel.platform.db.write() as session:
        row = session.get_one(CartSetting, "amazon")
        row.secrets_set = row.former_until = None
        saved_at = row.updated_at
    reseal(panel.platform.db.write, STEPS)
    with panel.platform.db.read() as session:
        row = session.get_one(CartSetting, "amazon")
    assert (row.secrets_set, row.former_until) == ({"client_secret": saved_at.isoformat()}, {})
