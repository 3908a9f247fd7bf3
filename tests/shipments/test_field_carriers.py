"""Field case D3: packages of carriers as a warehouse names them, from the warehouse to the cart."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from is2_core.accounts import users
from is2_core.accounts.states import Role
from is2_core.embedded_warehouse.models import WarehousePackage
from tests.support.browser import PASSWORD, Page
from tests.support.merchant import Merchant
from tests.support.panel import ADMIN
from tests.support.world import World

CODES = "/admin/plugins/amazon/carriers"
ZERO_WIDTH, NO_BREAK = "\N{ZERO WIDTH SPACE}", "\N{NO-BREAK SPACE}"
# A carrier as a warehouse names it: how pages show it, and how Amazon.
ODD_CARRIERS = {
    f"Pigeon{NO_BREAK}Post": ("Pigeon[no-break space]Post", "Pigeon Post"),
    f"Pig{ZERO_WIDTH}eon": ("Pig[zero width space]eon", "Pigeon"),
    "  Pigeon ": ("[space][space]Pigeon[space]", "Pigeon"),
    "Pigeons " * 20: ("Pigeons " * 19 + "Pigeons[space]", "Pigeons Pigeons Pigeons Pigeons Pigeons Pigeons Pi"),
    "": ("(no carrier given)", ""),
    ZERO_WIDTH: ("[zero width space]", ""),
    "Correos Chile": ("Correos Chile", "Correos Chile"),
}


@pytest.fixture
def merchant(world: World) -> Merchant:
    return Merchant(world)


def ship(merchant: Merchant) -> dict[str, str]:
    """Have the warehouse ship an order with each carrier, by the carrier's name; returns Amazon's ids."""
    orders = {carrier: merchant.book() for carrier in ODD_CARRIERS}
    merchant.listing()
    for number, carrier in enumerate(ODD_CARRIERS):
        tracking = f"PIGEON{number:06}"
        merchant.ship(orders[carrier], tracking)
        named = sa.update(WarehousePackage).where(WarehousePackage.tracking_number == tracking).values(carrier=carrier)
        with merchant.world.platform.db.write() as session:
            session.execute(named)
    merchant.world.settle()
    return orders


def at_amazon(merchant: Merchant, order_id: str) -> list[str]:
    """The carriers of an order's packages as Amazon shows them."""
    packages: list[dict[str, Any]] = merchant.world.amazon.order(order_id)["packages"]
    return [package["carrier"] for package in packages]


def test_field_D3_carrier_of_whatever_name_has_its_package_posted(merchant: Merchant) -> None:
    users.create_user(merchant.world.platform, email=ADMIN, name="Ada", password=PASSWORD, role=Role.ADMIN)
    orders = ship(merchant)
    admin = merchant.visitor()
    admin.sign_in(ADMIN)
    for carrier, (shown, told) in ODD_CARRIERS.items():
        page = merchant.page(orders[carrier])
        assert f"Shipped with {shown}, tracking number" in page.text
        assert f"{shown} Ground" in page.text
        assert at_amazon(merchant, orders[carrier]) == ([told] if told else [])
        assert ("sees Other, with this name" in page.text) is bool(told)
        page = admin.post(CODES, given_form(admin.get(CODES), shown) | {"code": "DHL"})
        assert f"{shown} is now DHL at Amazon." in page.messages
        if not told:
            assert "Amazon takes no package without a carrier." in merchant.page(orders[carrier]).text
            merchant.press("Send tracking again")
            assert at_amazon(merchant, orders[carrier]) == ["DHL"]
    assert "Without a code" not in admin.get(CODES).text


def given_form(page: Page, shown: str) -> dict[str, str]:
    """The fields of the form that stands for a carrier just as it is shown."""
    (field,) = page.soup.find_all("input", attrs={"aria-label": f"Code for {shown}"})
    return {str(each["name"]): str(each.get("value", "")) for each in field.find_parent("form").find_all("input")}
