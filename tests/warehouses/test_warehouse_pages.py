"""Pages of warehouses: the settings a warehouse declares, and which warehouse a store is connected to."""

from __future__ import annotations

import sqlalchemy as sa

from is2_core.accounts.models import Integration
from is2_core.warehouses.models import WarehouseSetting
from is2_core.warehouses.settings import settings_of, stored_settings
from plugins.warehouse import Field, FieldKind, WarehouseManifest, WarehouseSettings, hookimpl
from tests.support.bay import Bay, FarBay
from tests.support.browser import Browser, Page
from tests.support.panel import ADMIN, ALICE, Panel

SETTINGS = "/admin/warehouses/bay/settings"


class Gates(Bay):
    """Declares a field of every kind."""

    @hookimpl
    def warehouse_manifest(self) -> WarehouseManifest:
        """Declare them."""
        fields = (
            Field("gate", "Gate", default="North", help="Where trucks stop."),
            Field("docks", "Docks", FieldKind.INTEGER, minimum=1, maximum=9, advised_minimum=3, advice="Few docks."),
            Field("key", "Key", FieldKind.SECRET),
            Field("shift", "Shift", FieldKind.CHOICE, default="late", choices=(("early", "Early"), ("late", "Late"))),
            Field("weekend", "Open at weekends", FieldKind.YES_NO, default="no"),
            Field("pallets", "Takes pallets", FieldKind.BOX),
            Field("opened", "Opened on", FieldKind.DATE, required=False),
            Field("address", "Address", FieldKind.URL),
            Field("shop", "Shop", FieldKind.SHOP_URL, required=False),
        )
        return WarehouseManifest("bay", "Bay 7", "1", settings=fields)


def add(panel: Panel, warehouse: Bay) -> None:
    panel.platform.warehouses.replace("bay", warehouse)


def given(panel: Panel) -> WarehouseSettings:
    """The settings as the warehouse gets them."""
    with panel.platform.db.read() as session:
        return settings_of(session.get(WarehouseSetting, "bay"))


def drawn(page: Page, label: str) -> tuple[object, ...]:
    field = page.field(label)
    return field.name, field.get("type"), field.get("value"), field.has_attr("required")


def test_settings_are_drawn_by_their_kinds_and_stored_as_they_were_typed(panel: Panel) -> None:
    add(panel, Gates())
    browser = panel.browser(ADMIN)
    page = browser.get(browser.get("/admin/plugins").link("Settings"))
    assert (page.path, page.heading) == (SETTINGS, "Bay 7: settings")
    assert [tag.text for tag in page.soup.select("nav.tabs [aria-current]")] == ["Plugins"]
    assert drawn(page, "Gate") == ("input", "text", "North", True)
    assert drawn(page, "Docks") == ("input", "number", "", True)
    assert [page.field("Docks")[name] for name in ("min", "max", "step", "inputmode")] == ["1", "9", "1", "numeric"]
    assert drawn(page, "Key") == ("input", "password", "", True)
    assert [(each["value"], each.text) for each in page.field("Shift").find_all("option", selected=True)] == [
        ("late", "Late")
    ]
    assert [each.text for each in page.field("Open at weekends").find_all("option")] == ["Yes", "No"]
    assert drawn(page, "Takes pallets") == ("input", "checkbox", "yes", False)
    assert drawn(page, "Opened on") == ("input", "date", "", False)
    assert drawn(page, "Address") == ("input", "url", "", True)
    assert drawn(page, "Shop") == ("input", "url", "", False)
    assert "Opened on (optional)" in page.text and "Address (optional)" not in page.text
    assert page.field("Gate")["aria-describedby"] == "gate-help"

    page = browser.press("Save settings", docks="2", key="s3cret", pallets="yes", address="http://wms.example/api/")
    assert "The settings of Bay 7 were saved" in page.messages
    assert given(panel).values == {
        "gate": "North",
        "docks": "2",
        "shift": "late",
        "weekend": "no",
        "pallets": "yes",
        "opened": "",
        "address": "http://wms.example/api",
        "shop": "",
    }
    page = browser.get(SETTINGS)
    assert page.field("Takes pallets").has_attr("checked")
    # Accepted, and advised against.
    assert "Few docks." in page.text
    assert page.field("Docks")["aria-describedby"] == "docks-advice"


def test_all_that_is_refused_stands_at_its_field_and_nothing_is_stored(panel: Panel) -> None:
    add(panel, FarBay())
    browser = panel.browser(ADMIN)
    browser.get(SETTINGS)
    page = browser.press("Save settings", address="nowhere", key="")
    assert page.status == 400
    assert "must be an address" in page.problem_at("Address")
    assert page.problem_at("Key") == "Key is missing."
    assert page.field("Address")["value"] == "nowhere"
    assert [tag.get("id") for tag in page.soup.find_all(autofocus=True)] == ["address"]
    page = browser.press("Save settings", key="s3cret")
    assert page.status == 400 and "s3cret" not in page.html
    assert not stored_settings(panel.platform, "bay").values


def test_a_secret_left_empty_is_kept_and_never_shown(panel: Panel) -> None:
    add(panel, FarBay())
    browser = panel.browser(ADMIN)
    browser.get(SETTINGS)
    browser.press("Save settings", address="http://wms.example/v1", key="s3cret")
    page = browser.get(SETTINGS)
    assert "s3cret" not in page.html
    assert drawn(page, "Key") == ("input", "password", "", False)
    assert page.field("Key")["placeholder"] == "set; leave empty to keep it"
    assert "saved" in browser.press("Save settings", address="http://wms.example/v2").messages
    settings = given(panel)
    assert (settings.values, settings.secrets["key"].value) == ({"address": "http://wms.example/v2"}, "s3cret")


def test_settings_of_no_warehouse_and_for_no_admin(panel: Panel) -> None:
    add(panel, FarBay())
    assert panel.browser(ADMIN).get("/admin/warehouses/nowhere/settings").status == 404
    browser = panel.browser(ALICE)
    assert browser.get(SETTINGS).status == 403
    assert browser.post(SETTINGS, {"address": "http://evil.example", "key": "x"}).status == 403
    assert not stored_settings(panel.platform, "bay").values


def started(panel: Panel) -> list[tuple[str, str]]:
    """Region and warehouse of the setups that are not finished."""
    with panel.platform.db.read() as session:
        rows = session.execute(
            sa.select(Integration.region, Integration.wms_target).where(Integration.seller_id.is_(None))
        )
        return [(row.region, row.wms_target) for row in rows]


def at_the_choice(panel: Panel, email: str = ALICE) -> Browser:
    browser = panel.browser(email)
    browser.get("/amazon/install")
    browser.press("Submit", region="na")
    return browser


def test_the_only_warehouse_is_named_and_not_asked_for(panel: Panel) -> None:
    page = at_the_choice(panel).page
    (name,) = panel.platform.warehouses.names()
    assert f"WMS target {panel.platform.warehouses.manifest(name).label}" in page.text
    assert page.soup.find(id="wms_target") is None


def test_of_several_warehouses_one_has_to_be_chosen(panel: Panel) -> None:
    add(panel, Bay())
    browser = at_the_choice(panel)
    options = browser.page.field("WMS target").find_all("option")
    labels = [panel.platform.warehouses.manifest(name).label for name in panel.platform.warehouses.names()]
    assert [each.text for each in options] == ["Choose the warehouse that ships the orders", *labels]
    assert options[0]["value"] == "" and "Bay 7" in labels

    for choice in ("", "nowhere"):
        page = browser.press("Continue to Amazon", wms_target=choice)
        assert page.status == 400
        assert page.problem_at("WMS target") == "Choose the warehouse that ships the orders of your store."
        assert page.alerts == []
        assert page.soup.find("input", attrs={"name": "region", "value": "na"})
        assert started(panel) == []

    page = browser.press("Continue to Amazon", wms_target="bay")
    assert page.status == 200
    assert started(panel) == [("na", "bay")]


def test_the_warehouse_chosen_stays_chosen_where_something_else_is_refused(panel: Panel) -> None:
    add(panel, Bay())
    browser = at_the_choice(panel, ALICE)
    page = browser.press("Continue to Amazon", wms_target="bay", home_site="no country")
    assert page.status == 400
    assert "Choose a country of the region" in page.alerts[0]
    chosen = page.field("WMS target").find("option", selected=True)
    assert chosen is not None and chosen["value"] == "bay"
    assert started(panel) == []
