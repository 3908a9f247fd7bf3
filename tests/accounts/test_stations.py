"""Packing stations: nothing but packing, by whoever typed the PIN."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts import people, roles, users
from is2_core.accounts.models import PinTries, User
from is2_core.accounts.sessions import pins, rows, stations
from is2_core.accounts.states import Role
from is2_core.audit.models import AuditEntry
from is2_core.embedded_warehouse.models import WarehouseOrder, WarehousePackage
from is2_core.errors import BadInput, Conflict, FlowError, Forbidden
from is2_core.platform import Platform
from tests.support.browser import PASSWORD, Browser
from tests.support.panel import ADMIN, ALICE, PACKER, Panel
from tests.web.test_rules import address, rules
from web.accounts.station_gate import AT_THE_DOOR, PACKING

MINA, PIN, OTHER_PIN = "mina@example.com", "7391", "40286"


def id_of(panel: Panel, email: str) -> int:
    return people.user_id_of(panel.platform, email)


@pytest.fixture
def station(panel: Panel) -> Browser:
    """A browser that Walt signed in as a station; he and Mina have PINs."""
    users.create_user(panel.platform, email=MINA, name="Mina", password=PASSWORD, role=Role.WAREHOUSE)
    pins.set_pin(panel.platform, user_id=id_of(panel, MINA), pin=OTHER_PIN)
    browser = panel.browser()
    browser.sign_in(PACKER)
    browser.get("/password")
    browser.get(browser.page.link("Packing station"))
    assert "was set" in browser.press("Set PIN", pin=PIN).messages
    assert browser.press("Begin the shift", name="Bay 3").heading == "Who packs?"
    return browser


def come(panel: Panel, station: Browser, email: str = PACKER, pin: str = PIN) -> object:
    station.get("/station")
    return station.press("Go on", station_person=str(id_of(panel, email)), station_pin=pin)


def open_order(panel: Panel) -> int:
    with panel.platform.db.read() as db:
        open_ones = sa.select(WarehouseOrder.id).where(WarehouseOrder.state == "PENDING").order_by(WarehouseOrder.id)
        return int(db.scalars(open_ones.limit(1)).one())


def test_a_station_reaches_packing_and_nothing_else(panel: Panel, station: Browser) -> None:
    before = station.cookie()
    come(panel, station)
    token = re.search(r'name="csrf_token" value="([^"]+)"', station.get("/warehouse/orders").html)
    assert token
    reached = set()
    for method in ("GET", "POST"):
        for rule in rules(panel, method):
            if rule.endpoint in AT_THE_DOOR | {"static", "health.healthz", "health.readyz"}:
                continue
            target = address(panel, rule, panel.northwind)
            response = station.client.open(target, method=method, data={"csrf_token": token[1]})
            if rule.endpoint in PACKING:
                reached.add(rule.endpoint)
                assert response.status_code != 403, rule
            else:
                assert response.status_code == 403, rule
                assert "packing station" in response.get_data(as_text=True), rule
    assert reached == PACKING
    assert station.cookie() != before, "the session has another id, which the cookie before does not have"


def test_the_cookie_of_before_the_station_is_worth_nothing(panel: Panel) -> None:
    pins.set_pin(panel.platform, user_id=id_of(panel, PACKER), pin=PIN)
    browser, thief = panel.browser(), panel.browser()
    browser.sign_in(PACKER)
    thief.go_on_with(browser.cookie())
    browser.get("/station")
    browser.press("Begin the shift", name="Bay 3")
    assert thief.get("/warehouse/stock").heading == "Sign in"


def test_an_administrator_is_a_packer_there(panel: Panel, station: Browser) -> None:
    pins.set_pin(panel.platform, user_id=id_of(panel, ADMIN), pin="5029")
    come(panel, station, ADMIN, "5029")
    assert station.get("/warehouse/orders").status == 200
    assert station.get("/admin/people").status == 403
    assert not station.page.soup.select('nav[aria-label="Main"]')


def test_every_act_is_of_who_typed_the_pin(panel: Panel, station: Browser) -> None:
    come(panel, station, MINA, OTHER_PIN)
    order = open_order(panel)
    station.get(f"/warehouse/orders/{order}")
    station.press("Start packing")
    number = "1Z999AA10123456784"
    page = station.press("Ship package", carrier="UPS", tracking_number=number)
    assert "Shipped under" in page.messages, page.text
    assert "Mina" in page.text
    with panel.platform.db.read() as db:
        package = db.scalars(sa.select(WarehousePackage).where(WarehousePackage.tracking_number == number)).one()
        told = db.scalars(sa.select(AuditEntry).where(AuditEntry.act == "station.person")).one()
    mina, walt = id_of(panel, MINA), id_of(panel, PACKER)
    assert package.user_id == mina
    assert (told.user_id, told.subject) == (walt, f"user {mina}")


def test_five_minutes_without_a_page_ask_again_and_lose_nothing(panel: Panel, station: Browser) -> None:
    come(panel, station)
    order = open_order(panel)
    station.get(f"/warehouse/orders/{order}")
    station.press("Start packing")
    panel.session_clock.advance(timedelta(minutes=4))
    station.get(f"/warehouse/orders/{order}")
    assert "Warehouse order" in station.page.heading
    panel.session_clock.advance(timedelta(minutes=6))
    page = station.press("Ship package", carrier="UPS", tracking_number="1Z999AA10123456784")
    assert (page.status, page.heading) == (403, "Who packs?")
    mina = str(id_of(panel, MINA))
    assert station.press("Go on", station_person=mina, station_pin=PIN).status == 400
    page = station.press("Go on", station_person=mina, station_pin=OTHER_PIN)
    assert "Shipped under" in page.messages, page.text
    with panel.platform.db.read() as db:
        assert db.scalars(sa.select(WarehousePackage.user_id).where(WarehousePackage.order_id == order)).all() == [
            int(mina)
        ], "who typed the PIN, not who was there before"


def test_who_was_away_is_not_let_in_by_looking_at_the_door(panel: Panel, station: Browser) -> None:
    come(panel, station)
    panel.session_clock.advance(timedelta(minutes=6))
    assert station.get("/station").heading == "Who packs?"
    assert station.get("/warehouse/orders").heading == "Who packs?"
    panel.session_clock.advance(timedelta(minutes=2))
    assert station.get("/warehouse/orders").heading == "Who packs?"


def leave(panel: Panel, station: Browser) -> None:
    station.get("/warehouse/orders")
    assert station.press("Change person").heading == "Who packs?"


def disable_person(panel: Panel, station: Browser) -> None:
    people.set_enabled(panel.platform, user_id=id_of(panel, MINA), enabled=False, by=None)


def change_role(panel: Panel, station: Browser) -> None:
    roles.change_role(panel.platform, user_id=id_of(panel, MINA), role=Role.SUPPORT, by=None)


def end_persons_sessions(panel: Panel, station: Browser) -> None:
    people.end_sessions(panel.platform, user_id=id_of(panel, MINA), by=None)


def reset_pin(panel: Panel, station: Browser) -> None:
    root = panel.browser()
    root.sign_in(ADMIN)
    root.get(f"/admin/people/{id_of(panel, MINA)}")
    assert "was taken away" in root.press("Reset PIN").messages


@pytest.mark.parametrize("gone", [leave, disable_person, change_role, end_persons_sessions, reset_pin])
def test_the_person_is_out_at_once_after(
    panel: Panel, station: Browser, gone: Callable[[Panel, Browser], None]
) -> None:
    come(panel, station, MINA, OTHER_PIN)
    assert station.get("/warehouse/orders").heading == "Warehouse orders"
    gone(panel, station)
    assert station.get("/warehouse/orders").heading == "Who packs?"
    if gone not in (leave, end_persons_sessions):
        page = station.press("Go on", station_person=str(id_of(panel, MINA)), station_pin=OTHER_PIN)
        assert page.status == 400


def end_it(panel: Panel, station: Browser) -> None:
    station.get("/station")
    station.press("End station")


def disable_signer(panel: Panel, station: Browser) -> None:
    people.set_enabled(panel.platform, user_id=id_of(panel, PACKER), enabled=False, by=None)


def end_the_shift(panel: Panel, station: Browser) -> None:
    panel.session_clock.advance(timedelta(hours=12, minutes=1))


@pytest.mark.parametrize("ended", [end_it, disable_signer, end_the_shift])
def test_the_station_is_over_after(panel: Panel, station: Browser, ended: Callable[[Panel, Browser], None]) -> None:
    come(panel, station, MINA, OTHER_PIN)
    copied, thief = station.cookie(), panel.browser()
    panel.session_clock.advance(timedelta(hours=3))
    assert station.get("/warehouse/orders").heading == "Who packs?", "a station does not end by standing still"
    ended(panel, station)
    thief.go_on_with(copied)
    assert thief.get("/warehouse/orders").heading == "Sign in"


def test_only_who_works_in_the_warehouse_has_a_pin_or_a_station(panel: Panel) -> None:
    alice = panel.browser(ALICE)
    assert alice.get("/station").status == 403
    for target in ("pin", "begin"):
        assert alice.post(f"/station/{target}", {"pin": PIN, "name": "x"}).status == 403
    for target in ("person", "leave", "end"):
        assert alice.post(f"/station/{target}").status == 404
    with pytest.raises(Forbidden):
        pins.set_pin(panel.platform, user_id=id_of(panel, ALICE), pin=PIN)


@pytest.mark.parametrize("pin", ["", "123", "123456789", "1234", "98765", "0000", "12a4", "١٢٣٧", " 7391"])
def test_what_is_no_good_pin(panel: Panel, pin: str) -> None:
    with pytest.raises(BadInput):
        pins.set_pin(panel.platform, user_id=id_of(panel, PACKER), pin=pin)


def test_waiting_doubles_up_to_an_hour() -> None:
    waits = [pins.wait_after(failures).total_seconds() for failures in (3, 4, 5, 20, 10_000)]
    assert waits == [30, 60, 120, 3600, 3600]


def a_station(platform: Platform) -> tuple[rows.Live, int]:
    """A station of Walt's, and Mina's id."""
    for email in (PACKER, MINA):
        users.create_user(platform, email=email, name="", password=PASSWORD, role=Role.WAREHOUSE)
    walt = users.sign_in(platform, PACKER, PASSWORD)
    assert walt is not None
    now = platform.clock.now()
    token = rows.begin(platform, walt, now=now, address="", browser="")
    live = rows.find(platform, token, now)
    assert live is not None
    live = rows.find(platform, stations.begin_station(platform, live, name="Bay 3"), now)
    assert live is not None
    mina = people.user_id_of(platform, MINA)
    pins.set_pin(platform, user_id=mina, pin=OTHER_PIN)
    return live, mina


def test_guessing_takes_longer_and_longer_and_signing_in_anew_wins_nothing(platform: Platform) -> None:
    live, mina = a_station(platform)

    def come(pin: str) -> str:
        try:
            pins.identify(platform, live, person_id=mina, pin=pin, now=platform.clock.now())
        except FlowError as error:
            return error.message
        return ""

    for _ in range(3):
        assert "not the PIN" in come("1111")
    assert "30 seconds" in come(OTHER_PIN), "the right one is not looked at either"
    again = users.sign_in(platform, PACKER, PASSWORD)
    assert again is not None
    token = rows.begin(platform, again, now=platform.clock.now(), address="", browser="")
    found = rows.find(platform, token, platform.clock.now())
    assert found is not None
    live = rows.find(  # type: ignore[assignment]
        platform, stations.begin_station(platform, found, name="Bay 4"), platform.clock.now()
    )
    assert "is taken in" in come(OTHER_PIN)
    platform.clock.advance(timedelta(seconds=31))  # type: ignore[attr-defined]  # a virtual clock
    assert come(OTHER_PIN) == ""
    assert "not the PIN" in come("1111"), "counted from the beginning"
    with pytest.raises(Conflict):
        stations.begin_station(platform, live, name="Bay 5")


def test_of_many_pins_at_the_same_moment_each_counts(platform: Platform) -> None:
    live, mina = a_station(platform)

    def guess(pin: int) -> str:
        try:
            pins.identify(platform, live, person_id=mina, pin=f"{pin:05}", now=platform.clock.now())
        except FlowError as error:
            return type(error).__name__
        return "in"

    # The right one is among them, too late.
    right = int(OTHER_PIN)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, [*range(right - 20, right)]))
    answers.append(guess(right))
    assert "in" not in answers
    assert answers.count("TooSoon") == len(answers) - 3
    with platform.db.read() as db:
        assert db.scalars(sa.select(PinTries.failures)).all() == [3]
        assert db.get_one(User, mina).pin_hash
