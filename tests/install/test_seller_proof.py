"""Who the seller is: never what a browser says, always what a call has proved."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from is2_core import jobs
from is2_core.accounts import users
from is2_core.accounts.models import Credential, Integration, SellerClaim
from is2_core.accounts.scope import account_scope
from is2_core.accounts.states import IntegrationState
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.errors import BadInput, Conflict, FlowError
from is2_core.install import connect, disconnect, trip
from is2_core.integrations import connection_test
from is2_core.integrations.claims import credentials_of
from is2_core.integrations.seller_proof import NotProved
from is2_core.tasks.queue import enqueue
from tests.support.amazon import NORTHWIND
from tests.support.world import BROWSER, RETURN_URL, World

HARBOR = "A2SIMNA0000002"
NOTHING = ["Pricing"]


def begin(world: World, store: int | None = None) -> tuple[int, dict[str, str]]:
    """Go to Amazon and back as Harbor's or Northwind's owner would; the parameters of the way back."""
    store = store or connect.begin(
        world.platform, cart="amazon", region="na", scope=account_scope(world.account), account_id=world.account
    )
    away = connect.step(
        world.platform,
        integration_id=store,
        scope=account_scope(world.account),
        user_id=world.owner,
        browser=BROWSER,
        return_url=RETURN_URL,
    )
    assert isinstance(away, trip.GoTo)
    return store, {"url": away.url}


def arrive(world: World, seller: str, *, claimed: str | None = None, store: int | None = None) -> trip.Step:
    """Consent as one seller and come back, naming another one where `claimed` is given."""
    _, away = begin(world, store)
    params = world.consent(away["url"], seller)
    if claimed is not None:
        params["selling_partner_id"] = claimed
    return connect.come_back(world.platform, cart="amazon", user_id=world.owner, browser=BROWSER, params=params)


def try_again(world: World, store: int) -> trip.Step:
    return connect.prove_again(world.platform, integration_id=store, scope=account_scope(world.account))


def other_account(world: World, name: str = "Contoso") -> World:
    """The same world as another account's owner sees it."""
    other = copy.copy(world)
    other.account = users.create_account(world.platform, name)
    other.owner = users.create_user(
        world.platform,
        email=f"{name.lower()}@example.com",
        name=name,
        password="A long pass phrase 2",
        account_id=other.account,
    )
    return other


def row(world: World, store: int) -> Integration:
    with world.platform.db.read() as session:
        return session.get_one(Integration, store)


def claims(world: World) -> list[SellerClaim]:
    with world.platform.db.read() as session:
        return list(session.scalars(sa.select(SellerClaim)))


def open_cases(world: World, kind: CaseKind) -> list[SupportCase]:
    with world.platform.db.read() as session:
        query = sa.select(SupportCase).where(SupportCase.kind == kind, SupportCase.closed_at.is_(None))
        return list(session.scalars(query))


def of_an_earlier_release(world: World, store: int, **changes: object) -> None:
    with world.platform.db.write() as session:
        session.execute(sa.update(Integration).where(Integration.id == store).values(proved_at=None, **changes))


def reconcile(world: World, store: int) -> None:
    with world.platform.db.write() as session:
        enqueue(
            session, kind="orders.reconcile", integration=session.get_one(Integration, store), now=world.clock.now()
        )
    world.settle()


def test_the_seller_is_proved_before_it_is_stored(world: World) -> None:
    store = world.connect()
    (call,) = world.amazon.calls("searchListingsItems")
    assert call["status"] == 200
    assert (row(world, store).seller_id, row(world, store).proved_at) == (NORTHWIND, world.clock.now())
    assert claims(world) == []


@pytest.mark.parametrize("first", ["thief", "owner"])
@pytest.mark.parametrize("same_account", [True, False])
def test_field_I1_a_seller_cannot_be_taken_by_naming_it(world: World, first: str, same_account: bool) -> None:
    thief = world if same_account else other_account(world)
    owners: list[int] = []

    def owner() -> None:
        arrived = arrive(world, NORTHWIND)
        assert isinstance(arrived, trip.Ready)
        owners.append(arrived.integration_id)
        world.finish(arrived.integration_id)

    def steal() -> None:
        with pytest.raises(NotProved) as refused:
            arrive(thief, HARBOR, claimed=NORTHWIND)
        assert NORTHWIND in refused.value.message
        assert "Inventory and Order Tracking" in refused.value.message

    for act in (steal, owner) if first == "thief" else (owner, steal):
        act()
    with world.platform.db.read() as session:
        holders = session.scalars(sa.select(Integration).where(Integration.seller_id.is_not(None))).all()
        credentials = session.scalars(sa.select(Credential.integration_id)).all()
    assert [(held.id, held.account_id, held.state) for held in holders] == [
        (owners[0], world.account, IntegrationState.ACTIVE)
    ]
    assert credentials == owners


@pytest.mark.parametrize("how", ["roles", "searchListingsItems", "getMarketplaceParticipations"])
def test_a_missing_role_leaves_the_setup_open_and_trying_again_needs_no_new_consent(world: World, how: str) -> None:
    if how == "roles":
        world.amazon.post("seller", {"seller": NORTHWIND, "roles": NOTHING})
    else:
        world.amazon.fault(how, "403", times=2)
    with pytest.raises(NotProved, match=f"(?s){NORTHWIND}.*role|role.*{NORTHWIND}") as refused:
        arrive(world, NORTHWIND)
    store = refused.value.integration_id
    assert refused.value.again
    (claim,) = claims(world)
    assert (claim.seller_id, claim.message) == (NORTHWIND, refused.value.message)
    assert (row(world, store).state, row(world, store).seller_id) == (IntegrationState.SETUP, None)
    with pytest.raises(NotProved):
        try_again(world, store)
    world.amazon.post("seller", {"seller": NORTHWIND, "roles": None})
    world.clock.advance(timedelta(minutes=59))
    assert try_again(world, store) == trip.Ready(store, True)
    assert row(world, store).seller_id == NORTHWIND
    assert claims(world) == []
    assert try_again(world, store) == trip.Ready(store, True), "pressed twice"


def test_the_token_is_stored_sealed(world: World) -> None:
    world.amazon.fault("searchListingsItems", "403")
    with pytest.raises(NotProved):
        arrive(world, NORTHWIND)
    (claim,) = claims(world)
    with world.platform.db.read() as session:
        stored = session.execute(sa.text("SELECT credentials FROM seller_claim")).scalar_one()
    credentials = credentials_of(claim)
    assert credentials is not None and credentials["refresh_token"] not in stored


@pytest.mark.parametrize("operation", ["searchListingsItems", "getMarketplaceParticipations"])
@pytest.mark.parametrize("fault", ["5xx", "429", "refuse", "html_200"])
def test_an_outage_proves_nothing_either_way(world: World, operation: str, fault: str) -> None:
    world.amazon.fault(operation, fault)
    with pytest.raises(NotProved) as refused:
        arrive(world, NORTHWIND)
    assert refused.value.status == 502
    assert refused.value.again
    assert "not proved yet" in refused.value.message
    assert "role" not in refused.value.message
    store = refused.value.integration_id
    assert row(world, store).seller_id is None
    world.clock.advance(timedelta(minutes=2))
    assert try_again(world, store) == trip.Ready(store, True)


def test_a_revoked_authorization_is_not_kept(world: World) -> None:
    world.amazon.fault("searchListingsItems", "403")
    with pytest.raises(NotProved) as refused:
        arrive(world, NORTHWIND)
    world.amazon.post("seller", {"seller": NORTHWIND, "revoke": True})
    with pytest.raises(NotProved) as lost:
        try_again(world, refused.value.integration_id)
    assert not lost.value.again
    assert [claim.credentials for claim in claims(world)] == [None]


@pytest.mark.parametrize("who", ["clean-up", "person"])
@pytest.mark.parametrize("later", [timedelta(hours=1), -timedelta(hours=1)])
def test_after_an_hour_the_token_is_gone(world: World, who: str, later: timedelta) -> None:
    world.amazon.fault("searchListingsItems", "403")
    with pytest.raises(NotProved) as refused:
        arrive(world, NORTHWIND)
    with world.platform.db.write() as session:
        session.execute(sa.update(SellerClaim).values(at=world.clock.now() - later))
    if who == "clean-up":
        jobs.clean_up(world.platform)
        assert [claim.credentials for claim in claims(world)] == [None]
    with pytest.raises(Conflict, match="Sign in at Amazon again"):
        try_again(world, refused.value.integration_id)
    assert [claim.credentials for claim in claims(world)] == [None]
    assert arrive(world, NORTHWIND) == trip.Ready(refused.value.integration_id, True)


def test_a_young_token_is_not_cleaned_up(world: World) -> None:
    world.amazon.fault("searchListingsItems", "403")
    with pytest.raises(NotProved) as refused:
        arrive(world, NORTHWIND)
    world.clock.advance(timedelta(minutes=59))
    jobs.clean_up(world.platform)
    assert isinstance(try_again(world, refused.value.integration_id), trip.Ready)


def test_the_callback_replayed_changes_nothing(world: World) -> None:
    _, away = begin(world)
    params = world.consent(away["url"])
    world.amazon.fault("searchListingsItems", "403")
    for expected in (NotProved, BadInput):
        with pytest.raises(expected):
            connect.come_back(world.platform, cart="amazon", user_id=world.owner, browser=BROWSER, params=params)
    assert len(world.amazon.calls("searchListingsItems")) == 1
    assert len(claims(world)) == 1


def test_trying_again_is_the_accounts_own(world: World) -> None:
    world.amazon.fault("searchListingsItems", "403")
    with pytest.raises(NotProved) as refused:
        arrive(world, NORTHWIND)
    with pytest.raises(FlowError) as missing:
        try_again(other_account(world), refused.value.integration_id)
    assert missing.value.status == 404


def test_a_reconnect_is_proved_and_takes_the_same_seller_only(world: World) -> None:
    store = world.connect()
    world.finish(store)
    before = row(world, store).proved_at
    world.clock.advance(timedelta(minutes=5))
    with pytest.raises(Conflict, match=f"signed in as seller {HARBOR}"):
        arrive(world, HARBOR, store=store)
    assert claims(world) == [], "a foreign authorization is not kept"
    with pytest.raises(NotProved):
        arrive(world, HARBOR, claimed=NORTHWIND, store=store)
    assert (row(world, store).state, row(world, store).proved_at) == (IntegrationState.ACTIVE, before)
    with world.platform.db.read() as session:
        assert session.get_one(Credential, store).version == 1
    assert arrive(world, NORTHWIND, store=store) == trip.Ready(store, False)
    assert row(world, store).proved_at == world.clock.now()
    assert claims(world) == []


def test_what_a_connected_integration_tried_in_vain_is_forgotten(world: World) -> None:
    store = world.connect()
    world.finish(store)
    with pytest.raises(NotProved):
        arrive(world, HARBOR, claimed=NORTHWIND, store=store)
    assert len(claims(world)) == 1
    world.clock.advance(timedelta(hours=1))
    jobs.clean_up(world.platform)
    assert claims(world) == []


@pytest.mark.parametrize("same_account", [True, False])
def test_a_disconnected_integration_is_taken_over_by_a_proof_only(world: World, same_account: bool) -> None:
    store = world.connect()
    world.finish(store)
    disconnect.disconnect(world.platform, integration_id=store, scope=account_scope(world.account), user_id=world.owner)
    newcomer = world if same_account else other_account(world)
    with pytest.raises(NotProved):
        arrive(newcomer, HARBOR, claimed=NORTHWIND)
    assert (row(world, store).seller_id, row(world, store).state) == (NORTHWIND, IntegrationState.DISCONNECTED)
    arrived = arrive(newcomer, NORTHWIND)
    assert isinstance(arrived, trip.Ready)
    if same_account:
        assert arrived == trip.Ready(store, False)
        assert row(world, store).state == IntegrationState.ACTIVE
        return
    assert row(world, arrived.integration_id).seller_id == NORTHWIND
    assert row(world, store).seller_id is None
    with pytest.raises(Conflict, match="another account since"):
        arrive(world, NORTHWIND, store=store)


def test_disconnecting_deletes_what_waits_for_its_proof(world: World) -> None:
    store = world.connect()
    world.finish(store)
    with pytest.raises(NotProved):
        arrive(world, HARBOR, claimed=NORTHWIND, store=store)
    disconnect.disconnect(world.platform, integration_id=store, scope=account_scope(world.account), user_id=world.owner)
    assert claims(world) == []


@pytest.mark.parametrize("same_account", [True, False])
@pytest.mark.parametrize("proved", [True, False])
def test_an_unfinished_setup_keeps_nobody_out(world: World, same_account: bool, proved: bool) -> None:
    left = world.connect()
    if not proved:
        of_an_earlier_release(world, left)
    newcomer = world if same_account else other_account(world)
    if same_account:
        # A second setup of the same account, for a region it has begun with already.
        with world.platform.db.write() as session:
            session.add(
                Integration(
                    account_id=world.account,
                    cart="amazon",
                    wms_target="embedded",
                    region="na",
                    settings={},
                    sites=[],
                    created_at=world.clock.now(),
                )
            )
    arrived = arrive(newcomer, NORTHWIND)
    assert isinstance(arrived, trip.Ready)
    assert arrived.setup_open
    assert row(world, arrived.integration_id).seller_id == NORTHWIND
    if same_account:
        assert arrived.integration_id == left
        return
    assert row(world, left).seller_id is None
    with pytest.raises(FlowError):
        world.finish(left)
    newcomer.finish(arrived.integration_id)


def test_an_active_integration_is_never_displaced(world: World) -> None:
    store = world.connect()
    world.finish(store)
    of_an_earlier_release(world, store)
    newcomer = other_account(world)
    with pytest.raises(Conflict, match="another account"):
        arrive(newcomer, NORTHWIND)
    assert (row(world, store).seller_id, row(world, store).account_id) == (NORTHWIND, world.account)
    (case,) = open_cases(world, CaseKind.SELLER_HELD)
    assert case.account_id == newcomer.account
    assert f"integration {store}" in case.message
    # Once it is disconnected, the proof that waits is enough.
    (claim,) = claims(world)
    disconnect.disconnect(world.platform, integration_id=store, scope=account_scope(world.account), user_id=world.owner)
    assert try_again(newcomer, claim.integration_id) == trip.Ready(claim.integration_id, True)


def test_two_accounts_that_both_prove_it_make_no_case(world: World) -> None:
    world.finish(world.connect())
    with pytest.raises(Conflict, match="another account"):
        arrive(other_account(world), NORTHWIND)
    assert open_cases(world, CaseKind.SELLER_HELD) == []


def test_earlier_integrations_are_proved_by_the_daily_work(world: World) -> None:
    store = world.connect()
    world.finish(store)
    of_an_earlier_release(world, store)
    reconcile(world, store)
    assert row(world, store).proved_at == world.clock.now()
    asked = len(world.amazon.calls("searchListingsItems"))
    reconcile(world, store)
    assert len(world.amazon.calls("searchListingsItems")) == asked, "once proved, it is not asked again"


def test_a_daily_proof_that_fails_is_told_to_the_support_and_stops_nothing(world: World) -> None:
    store = world.connect()
    world.finish(store)
    of_an_earlier_release(world, store)
    for _ in range(2):
        world.amazon.fault("searchListingsItems", "403")
        reconcile(world, store)
    assert (row(world, store).state, row(world, store).proved_at) == (IntegrationState.ACTIVE, None)
    (case,) = open_cases(world, CaseKind.SELLER_NOT_PROVED)
    assert NORTHWIND in case.message
    assert world.tasks("orders.reconcile")[0].state == "DONE"
    reconcile(world, store)
    assert open_cases(world, CaseKind.SELLER_NOT_PROVED) == []
    assert row(world, store).proved_at is not None


@pytest.mark.parametrize("fault", ["5xx", "429"])
def test_a_daily_proof_that_is_not_answered_makes_no_case(world: World, fault: str) -> None:
    store = world.connect()
    world.finish(store)
    of_an_earlier_release(world, store)
    world.amazon.fault("searchListingsItems", fault)
    reconcile(world, store)
    assert row(world, store).proved_at is None
    assert open_cases(world, CaseKind.SELLER_NOT_PROVED) == []
    assert world.tasks("orders.reconcile")[0].state == "DONE"


def test_a_persons_own_test_proves_an_earlier_integration(world: World) -> None:
    store = world.connect()
    world.finish(store)
    of_an_earlier_release(world, store)
    world.amazon.fault("searchListingsItems", "403")
    with pytest.raises(NotProved):
        connection_test.test_connection(world.platform, integration_id=store, scope=account_scope(world.account))
    connection_test.test_connection(world.platform, integration_id=store, scope=account_scope(world.account))
    assert row(world, store).proved_at == world.clock.now()


def test_a_setup_left_by_an_earlier_release_is_proved_before_it_is_finished(world: World) -> None:
    store = world.connect()
    of_an_earlier_release(world, store, seller_id=HARBOR)
    with pytest.raises(NotProved, match=HARBOR):
        world.finish(store)
    assert row(world, store).state == IntegrationState.SETUP
    of_an_earlier_release(world, store, seller_id=NORTHWIND)
    world.finish(store)
    assert row(world, store).proved_at == world.clock.now()


def test_proofs_that_end_at_once_leave_one_holder(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two accounts prove the same seller; the first finishes its setup while the second one's proof is under way."""
    first, second = world, other_account(world)
    real = trip.prove_claim

    def slow(*arguments: object) -> None:
        monkeypatch.setattr(trip, "prove_claim", real)
        real(*arguments)  # type: ignore[arg-type]
        arrived = arrive(first, NORTHWIND)
        assert isinstance(arrived, trip.Ready)
        first.finish(arrived.integration_id)

    monkeypatch.setattr(trip, "prove_claim", slow)
    with pytest.raises(Conflict, match="another account"):
        arrive(second, NORTHWIND)
    with world.platform.db.read() as session:
        held = session.scalars(sa.select(Integration.account_id).where(Integration.seller_id == NORTHWIND)).all()
    assert held == [first.account]


def test_a_sign_in_that_was_replaced_meanwhile_stores_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was proved is what is stored: another window's authorization does not ride on this one's proof."""
    real = trip.prove_claim
    at: list[datetime] = []

    def slow(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        monkeypatch.setattr(trip, "prove_claim", real)
        world.amazon.fault("searchListingsItems", "403")
        with pytest.raises(NotProved):
            arrive(world, HARBOR, claimed=NORTHWIND)
        at.append(world.clock.now())

    monkeypatch.setattr(trip, "prove_claim", slow)
    with pytest.raises(Conflict, match="taken the place"):
        arrive(world, NORTHWIND)
    with world.platform.db.read() as session:
        assert session.scalars(sa.select(Credential)).all() == []
