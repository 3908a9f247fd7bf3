"""The merchants of a run at their connections: they take authorizations and roles back, disconnect and reconnect."""

from __future__ import annotations

import random

from exploration.actors.doings import Doings, within_reach
from exploration.stores import Connected
from exploration.world import World
from is2_core.accounts.models import Integration
from is2_core.accounts.states import CONNECTED, WAITS_FOR_A_PERSON, IntegrationState
from is2_core.install.connecting import store_connection
from is2_core.install.disconnect import disconnect
from is2_core.integrations.claims import keep_claim
from is2_core.integrations.seller_proof import prove_claim
from is2_core.platform import Platform
from plugins.amazon.simulator.access.roles import DIRECT_TO_CONSUMER, INVENTORY_AND_ORDERS, PRODUCT_LISTING
from plugins.interface import Connected as Authorized, Secret, SellerIdentity

_ROLES = (DIRECT_TO_CONSUMER, INVENTORY_AND_ORDERS, PRODUCT_LISTING)


class Connectors:
    """End and mend connections by luck, and mend all when the world is healed."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng
        # Integrations, by id, whose authorization here is no longer good.
        self._lost = set[int]()
        weights = {
            self._take_the_authorization_back: 1,
            self._take_a_role_back: 2,
            self._give_the_roles_again: 3,
            self._disconnect: 1,
            self._reconnect: 6,
        }
        self.act = Doings("connector", weights, world, rng).act

    def mend_all(self) -> None:
        """Give every role again, and reconnect whatever has lost its authorization."""
        for integration in within_reach(self._world):
            self._give_all_roles(integration)
            if integration.id in self._lost or self._state(integration) == IntegrationState.DISCONNECTED:
                self._connect_again(integration)

    def _take_the_authorization_back(self) -> bool:
        integration = self._any()
        if integration.id in self._lost or self._state(integration) == IntegrationState.DISCONNECTED:
            return False
        self._world.steer("POST", "seller", {"seller": integration.seller, "revoke": True})
        self._lost.add(integration.id)
        return True

    def _take_a_role_back(self) -> bool:
        integration = self._any()
        if self._seller(integration)["roles"] is not None:
            return False
        left = [role for role in _ROLES if role != self._rng.choice(_ROLES)]
        self._world.steer("POST", "seller", {"seller": integration.seller, "roles": left})
        return True

    def _give_the_roles_again(self) -> bool:
        integration = self._any()
        return self._seller(integration)["roles"] is not None and self._give_all_roles(integration)

    def _give_all_roles(self, integration: Connected) -> bool:
        self._world.steer("POST", "seller", {"seller": integration.seller, "roles": None})
        return True

    def _disconnect(self) -> bool:
        integration = self._any()
        if self._state(integration) not in CONNECTED:
            return False
        return self._world.press("connector", disconnect, **integration.fields, user_id=None)

    def _reconnect(self) -> bool:
        integration = self._any()
        waits = self._state(integration) in WAITS_FOR_A_PERSON
        return (waits or integration.id in self._lost) and self._connect_again(integration)

    def _connect_again(self, integration: Connected) -> bool:
        done = self._world.press("connector", self._consent, integration=integration)
        if done:
            self._lost.discard(integration.id)
        return done

    def _consent(self, platform: Platform, *, integration: Connected) -> None:
        """Store the result of the consent pages; walking them is not the purpose here."""
        granted = self._world.steer("POST", "authorize", {"seller": integration.seller})
        with platform.db.read() as session:
            row = session.get_one(Integration, integration.id)
        identity = SellerIdentity(integration.seller, row.seller_name, tuple(row.sites))
        secrets = {"refresh_token": Secret(granted["refresh_token"])}
        claim = keep_claim(platform, integration.id, Authorized(identity, secrets), {})
        store_connection(platform, integration.id, claim, prove_claim(platform, row, claim))

    def _any(self) -> Connected:
        return self._rng.choice(within_reach(self._world))

    def _state(self, integration: Connected) -> IntegrationState:
        with self._world.platform.db.read() as session:
            return IntegrationState(session.get_one(Integration, integration.id).state)

    def _seller(self, integration: Connected) -> dict[str, object]:
        found: list[dict[str, object]] = self._world.steer("GET", "sellers")["sellers"]
        return next(each for each in found if each["seller"] == integration.seller)
