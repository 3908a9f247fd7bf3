"""The carrier-code table: the plugin's codes, and what an admin set over them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from is2_core.errors import BadInput, NotFound
from is2_core.platform import Platform
from is2_core.shipments import carrier_codes
from is2_core.shipments.carrier_names import find_carrier
from plugins.interface import CartManifest
from plugins.warehouse import Temporary, WarehouseContext, WarehouseManifest, hookimpl
from tests.support.bay import Bay
from tests.support.browser import Page
from tests.support.panel import ADMIN, Panel

# Amazon's own spellings.
AMAZONS_CODES = (
    "USPS, UPS, UPSMI, FedEx, FedEx SmartPost, DHL, DHL Express, DHL eCommerce, DHL Global Mail, OnTrac, Lasership, "
    "Newgistics, OSM, Canada Post, PUROLATOR, Royal Mail, Parcelforce, Yodel, Hermes UK, DPD, DPD Local, GLS, TNT, "
    "Deutsche Post, Hermes, La Poste, Chronopost, Colissimo, Poste Italiane, BRT, SDA, Correos, Seur, MRW, InPost, "
    "PostNord, Post NL, Polish Post, Australia Post, Sendle, YAMATO, SAGAWA, Japan Post, NITTSU, China Post, "
    "Yun Express, Yanwen, 4PX, SF Express, Asendia, Aramex, Amazon Shipping, Estafeta, Correios, India Post, BlueDart, "
    "Delhivery, Old Dominion, Estes, Saia, R+L, ABF, XPO Freight, UPS Freight, Fedex Freight, Self Delivery, "
    "BPOST, Correos Express, CTT EXPRESS, Mondial Relay, Colis Prive, Nacex, DHL-Paket, DHL Freight, DB Schenker, DSV, "
    "Kuehne+Nagel, Singapore Post, Swiss post, UK MAIL, Tuffnells, DX Express, Whistl, Landmark, Ninjavan, "
    "Couriers Please, Australia Post-Consignment, Australia Post-ArticleId, Startrack-Consignment, "
    "Startrack-ArticleID, DTDC, Ecom Express, Xpressbees"
).split(", ")


@pytest.fixture
def manifest(platform: Platform) -> CartManifest:
    return replace(platform.carts.manifest("amazon"), carrier_codes={"UPS": "UPS", "FedEx": "FedEx", "Post NL": "PNL"})


def code(platform: Platform, manifest: CartManifest, carrier: str) -> str:
    with platform.db.read() as session:
        return find_carrier(carrier_codes.known_carriers(session, manifest), carrier).code


@pytest.mark.parametrize(
    ("carrier", "expected"),
    [("UPS", "UPS"), (" fedex ", "FedEx"), ("POST  NL", "PNL"), ("Pigeon", ""), ("", "")],
)
def test_the_plugins_codes_are_found_whatever_the_spelling(
    platform: Platform, manifest: CartManifest, carrier: str, expected: str
) -> None:
    assert code(platform, manifest, carrier) == expected


def test_field_F3_amazons_own_names_of_carriers_lead_to_its_codes(platform: Platform) -> None:
    amazon = platform.carts.manifest("amazon")
    for spelled in (str, str.lower, str.upper, lambda name: name.replace(" ", ""), lambda name: name.replace(" ", "-")):
        found = {name: code(platform, amazon, spelled(name)) for name in AMAZONS_CODES}
        assert found == {name: name for name in AMAZONS_CODES}


def test_an_admins_code_comes_first_until_it_is_taken_back(platform: Platform, manifest: CartManifest) -> None:
    carrier_codes.set_code(platform, cart="amazon", carrier="fedex", code="FEDEX-2")
    carrier_codes.set_code(platform, cart="amazon", carrier=" My   Courier ", code=" MYC ")
    assert code(platform, manifest, "FedEx") == "FEDEX-2"
    assert code(platform, manifest, "my courier") == "MYC"
    carrier_codes.set_code(platform, cart="amazon", carrier="FEDEX", code="FEDEX-3")
    assert code(platform, manifest, "FedEx") == "FEDEX-3"
    for entry in carrier_codes.list_codes(platform, "amazon"):
        if entry.code_id is not None:
            carrier_codes.remove_code(platform, cart="amazon", code_id=entry.code_id)
    assert code(platform, manifest, "FedEx") == "FedEx"
    assert code(platform, manifest, "My Courier") == ""


@pytest.mark.parametrize("carrier", ["PostNL", "post-nl", "POST - NL"])
def test_spaces_and_hyphens_tell_no_carriers_apart(platform: Platform, manifest: CartManifest, carrier: str) -> None:
    assert code(platform, manifest, carrier) == "PNL"
    carrier_codes.set_code(platform, cart="amazon", carrier="Post-N L", code="OURS")
    assert code(platform, manifest, carrier) == "OURS"
    assert code(platform, manifest, "Post NL") == "PNL"


def test_where_two_carriers_differ_in_them_only_neither_is_guessed(platform: Platform, manifest: CartManifest) -> None:
    manifest = replace(manifest, carrier_codes={"Post NL": "A", "Postn L": "B"})
    assert [code(platform, manifest, carrier) for carrier in ("Post NL", "postn l", "PostNL")] == ["A", "B", ""]


def test_carts_do_not_share_codes(platform: Platform, manifest: CartManifest) -> None:
    carrier_codes.set_code(platform, cart="tiny", carrier="UPS", code="tiny-ups")
    assert code(platform, manifest, "UPS") == "UPS"
    (entry,) = [entry for entry in carrier_codes.list_codes(platform, "tiny") if entry.carrier == "UPS"]
    assert entry.code_id is not None
    with pytest.raises(NotFound):
        carrier_codes.remove_code(platform, cart="amazon", code_id=entry.code_id)


def test_the_list_shows_both_codes(platform: Platform) -> None:
    key = carrier_codes.carrier_key
    own = dict(platform.carts.manifest("amazon").carrier_codes)
    carrier, plugin_code = next(iter(own.items()))
    carrier_codes.set_code(platform, cart="amazon", carrier=carrier, code="OURS")
    carrier_codes.set_code(platform, cart="amazon", carrier="Aardvark Express", code="AAX")
    entries = {entry.carrier: entry for entry in carrier_codes.list_codes(platform, "amazon")}
    assert {key(name) for name in entries} == {key(name) for name in (*own, "Aardvark Express")}
    assert (entries[carrier].code, entries[carrier].plugin_code) == ("OURS", plugin_code)
    assert (entries["Aardvark Express"].code, entries["Aardvark Express"].plugin_code) == ("AAX", "")
    assert list(entries) == sorted(entries, key=str.casefold)


@pytest.mark.parametrize(
    ("cart", "carrier", "code", "field"),
    [
        ("amazon", " ", "X", "carrier"),
        ("amazon", "x" * 51, "X", "carrier"),
        ("amazon", "UPS", " ", "code"),
        ("amazon", "UPS", "a\tb", "code"),
        ("amazon", "UPS", "x" * 51, "code"),
    ],
)
def test_what_cannot_be_a_code_is_refused_at_its_field(
    platform: Platform, cart: str, carrier: str, code: str, field: str
) -> None:
    before = carrier_codes.list_codes(platform, cart)
    with pytest.raises(BadInput) as caught:
        carrier_codes.set_code(platform, cart=cart, carrier=carrier, code=code)
    assert caught.value.field == field
    assert carrier_codes.list_codes(platform, cart) == before


def test_an_unknown_cart_has_no_table(platform: Platform) -> None:
    with pytest.raises(NotFound):
        carrier_codes.set_code(platform, cart="nowhere", carrier="UPS", code="UPS")
    with pytest.raises(NotFound):
        carrier_codes.list_codes(platform, "nowhere")


class SilentBay(Bay):
    """In the place of the embedded warehouse; names no carriers."""

    @hookimpl
    def warehouse_manifest(self) -> WarehouseManifest:
        return WarehouseManifest("embedded", "Bay 7", "1")


class PigeonBay(SilentBay):
    """Hands parcels to UPS and to others nobody has heard of."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False

    @hookimpl
    def carriers(self, ctx: WarehouseContext) -> list[str]:
        if self.is_away:
            raise Temporary("Bay 7 does not answer.")
        return ["UPS", "Pigeon Post", "Bob's <Van>"]


def test_the_warehouses_carriers_without_a_code_are_named_until_they_have_one(panel: Panel) -> None:
    bay, admin, address = PigeonBay(), panel.browser(ADMIN), "/admin/plugins/amazon/carriers"
    # Every carrier of the embedded warehouse has a code at Amazon.
    assert "Without a code" not in admin.get(address).text
    panel.platform.warehouses.replace("embedded", bay)
    page = admin.get(address)
    assert "hands packages to Bob's <Van>, Pigeon Post. They are told to Amazon by name." in page.text
    offered = [option["value"] for option in page.soup.select("datalist#carriers option")]
    assert offered == ["Bob's <Van>", "Pigeon Post"]
    page = admin.post(address, {"carrier": "pigeon post", "code": "PIG"})
    assert "hands packages to Bob's <Van>. They" in page.text
    # A cart without integrations has no warehouse yet.
    assert carrier_codes.carriers_without_code(panel.platform, "tiny").names == ()
    bay.is_away = True
    assert "Bay 7 does not answer." in admin.get(address).text
    panel.platform.warehouses.replace("embedded", SilentBay())
    assert "Without a code" not in admin.get(address).text


ZERO_WIDTH, NO_BREAK = "\N{ZERO WIDTH SPACE}", "\N{NO-BREAK SPACE}"
# A carrier exactly as a warehouse names it, and how pages show it.
ODD_CARRIERS = {
    f"Pigeon{NO_BREAK}Post": "Pigeon[no-break space]Post",
    f"Pig{ZERO_WIDTH}eon Post": "Pig[zero width space]eon Post",
    " Pigeon  Post ": "[space]Pigeon [space]Post[space]",
    "Pigeon\r\nPost": "Pigeon[U+000D][U+000A]Post",
    "P" * 5000: "P" * 5000,
    "  ": "[space][space]",
    "": "(no carrier given)",
}


class OddBay(SilentBay):
    """Hands parcels to carriers whose names nobody could type."""

    @hookimpl
    def carriers(self, ctx: WarehouseContext) -> list[str]:
        return list(ODD_CARRIERS)


def test_field_D3_a_carrier_gets_its_code_exactly_as_the_warehouse_names_it(panel: Panel) -> None:
    admin, address = panel.browser(ADMIN), "/admin/plugins/amazon/carriers"
    panel.platform.warehouses.replace("embedded", OddBay())
    manifest = panel.platform.carts.manifest("amazon")
    codes: dict[str, str] = {}
    for number, (carrier, shown) in enumerate(ODD_CARRIERS.items()):
        form = given_form(admin.get(address), shown)
        refused = admin.post(address, form | {"code": "x" * 51})
        assert (refused.status, "Give the cart's code for this carrier" in refused.text) == (400, True)
        assert given_form(refused, shown)["code"] == "x" * 51
        codes[carrier] = f"OURS-{number}"
        page = admin.post(address, form | {"code": codes[carrier]})
        assert f"{shown} is now {codes[carrier]} at Amazon." in page.messages
        # None of the others is that carrier.
        assert {each: code(panel.platform, manifest, each) for each in ODD_CARRIERS} == {
            each: codes.get(each, "") for each in ODD_CARRIERS
        }
    assert "Without a code" not in admin.get(address).text
    # What is typed is another carrier, whatever it looks like.
    assert [code(panel.platform, manifest, typed) for typed in ("Pigeon Post", "pigeonpost")] == ["", ""]
    admin.post(address, {"carrier": "pigeon  post", "code": "TYPED"})
    assert {each: code(panel.platform, manifest, each) for each in ODD_CARRIERS} == codes
    assert [code(panel.platform, manifest, typed) for typed in ("Pigeon Post", "PIGEON-POST Express")] == ["TYPED"] * 2
    for entry in carrier_codes.list_codes(panel.platform, "amazon"):
        if entry.code_id is not None and entry.carrier in ODD_CARRIERS:
            carrier_codes.remove_code(panel.platform, cart="amazon", code_id=entry.code_id)
    # The typed code is tolerant: only these two are nothing like it, nor is what is not named.
    left = carrier_codes.carriers_without_code(panel.platform, "amazon").names
    assert set(left) == {"P" * 5000, "  ", ""}


def given_form(page: Page, shown: str) -> dict[str, str]:
    """The fields of the form that stands for a carrier just as it is shown."""
    (field,) = page.soup.find_all("input", attrs={"aria-label": f"Code for {shown}"})
    return {str(each["name"]): str(each.get("value", "")) for each in field.find_parent("form").find_all("input")}


@pytest.mark.parametrize("given", ["{", "5", '"\\ud800"', '"\\u0000"', "[" * 9999], ids=str.__len__)
def test_a_form_that_names_no_carrier_is_refused(panel: Panel, given: str) -> None:
    page = panel.browser(ADMIN).post("/admin/plugins/amazon/carriers", {"given": given, "code": "X"})
    assert (page.status, "Choose one of the carriers without a code" in page.text) == (400, True)
