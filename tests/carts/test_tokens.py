"""One refresh for all workers; a reconnect meanwhile wins."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from is2_core.accounts.models import Credential, Integration
from is2_core.carts.context import cart_context
from plugins.interface import AuthorizationLost, RateLimited
from tests.support.amazon import NORTHWIND
from tests.support.world import World


@pytest.fixture
def store(world: World) -> Integration:
    made = world.connect()
    with world.platform.db.read() as session:
        return session.get_one(Integration, made)


def test_scenario_F57_eight_workers_that_see_no_token_mint_it_once(world: World, store: Integration) -> None:
    before = len(world.amazon.calls("token"))
    got: list[str] = []
    ready = threading.Barrier(8)

    def ask() -> None:
        ready.wait()
        while True:
            try:
                got.append(cart_context(world.platform, store).token.get())
                return
            except RateLimited:
                # Another worker is at it; a task would be put back for three seconds.
                continue

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 1
    assert len(got) == 8
    assert len(world.amazon.calls("token")) == before + 1


def test_a_refused_token_is_replaced_and_the_good_one_kept(world: World, store: Integration) -> None:
    source = cart_context(world.platform, store).token
    first = source.get()
    assert source.get() == first
    second = source.get(refused=first)
    assert second != first
    assert source.get(refused=first) == second


def test_a_token_is_renewed_before_it_ends(world: World, store: Integration) -> None:
    source = cart_context(world.platform, store).token
    first = source.get()
    world.clock.advance(timedelta(minutes=56))
    assert source.get() != first


def test_it_is_stored_sealed(world: World, store: Integration) -> None:
    token = cart_context(world.platform, store).token.get()
    with world.platform.db.read() as session:
        (stored,) = session.execute(sa.text("SELECT access_token FROM credential")).one()
        row = session.get_one(Credential, store.id)
    assert token not in stored
    assert row.access_token is not None and row.access_token.open(store.id) == token


def test_lost_authorization_says_so(world: World, store: Integration) -> None:
    world.amazon.post("seller", {"seller": NORTHWIND, "revoke": True})
    source = cart_context(world.platform, store).token
    with pytest.raises(AuthorizationLost):
        source.get()
