"""The Amazon cart against the simulator, over real HTTP and on one clock that only tests move."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from plugins.amazon import plugin
from plugins.interface import CartContext, PlatformSettings, Redirect, Secret, Store
from tests.support.cart_http import CartHttp, MintedToken, cart_context, no_token

if TYPE_CHECKING:
    import requests

    from plugins.testkit import StillClock

SELLER = "A2SIMNA0000001"
BOXES = {"agree_roles": "yes", "agree_data": "yes", "agree_terms": "yes"}


@dataclass
class Harness:
    """A running simulator and the means to act on it.

    Args:
        http: the way out of every context made here; it remembers the calls.
    """

    address: str
    session: requests.Session
    clock: StillClock
    http: CartHttp
    app: PlatformSettings
    tokens: dict[str, MintedToken] = field(default_factory=dict)

    def steer(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the simulator's steering; the answer's JSON."""
        answer = self.session.request(method, f"{self.address}/_sim/{path}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def new_store(self, region: str = "na") -> CartContext:
        """The context of a store that is not connected yet."""
        return cart_context(self.http, Store(None, region), self.app, MintedToken(no_token), self.clock)

    def store(
        self,
        seller: str = SELLER,
        region: str = "na",
        sites: tuple[str, ...] = (),
        home_site: str = "",
        **settings: str,
    ) -> CartContext:
        """The context of a connected store; its tokens are minted by the cart."""
        granted = self.steer("POST", "authorize", {"seller": seller})
        credentials = {"refresh_token": Secret(granted["refresh_token"])}
        bare = replace(self.new_store(region), store=Store(seller, region, sites, home_site, settings))
        self.tokens[seller] = MintedToken(lambda: plugin.mint_access_token(bare, credentials))
        return replace(bare, token=self.tokens[seller])

    def browse(self, start: Redirect, return_url: str, seller: str = SELLER, press: str = "next") -> dict[str, str]:
        """Return the browser's query after a seller signed in at the consent page and pressed a button."""
        query = {**start.params, start.state_param: "our-state"}
        if start.return_param:
            query[start.return_param] = return_url
        opened = self._open("GET", start.url, params=query)
        assert opened.status_code == 200, opened.text
        pages = start.url.removesuffix("consent")
        found = re.search(r'name="visit" value="(\w+)"', opened.text)
        assert found is not None
        visit = {"visit": found[1]}
        self._open("POST", pages + "sign-in", data={**visit, "seller": seller})
        return self.returned(self._open("POST", pages + "decision", data={**visit, **BOXES, "action": press}))

    def follow(self, away: Redirect, return_url: str) -> dict[str, str]:
        """Return the query the browser brings back when sent `away` to an address that redirects at once."""
        query = {**away.params, away.state_param: "our-state", str(away.return_param): return_url}
        return self.returned(self._open("GET", away.url, params=query))

    def returned(self, answer: requests.Response) -> dict[str, str]:
        """The query of a redirect."""
        assert answer.status_code in (302, 303), answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def _open(self, method: str, url: str, **more: Any) -> requests.Response:
        return self.session.request(method, url, allow_redirects=False, timeout=30, **more)


@pytest.fixture
def harness() -> Iterator[Harness]:
    """A fresh simulator, its limits off.

    Where IS2_SPAPI_MODELS is set it checks every request against Amazon's model files; none may break them.
    """
    import requests

    from plugins.amazon.simulator import Simulator
    from plugins.amazon.simulator.front import create_app
    from plugins.testkit import StillClock, served

    clock = StillClock()
    models = os.environ.get("IS2_SPAPI_MODELS") or None
    with ExitStack() as stack:
        address = stack.enter_context(
            served(lambda url: create_app(Simulator(clock=clock.now, base_url=url, rate_limits=False, models=models)))
        )
        session = stack.enter_context(requests.Session())
        values = {
            "application_id": "amzn1.sp.solution.is2-demo",
            "client_id": "amzn1.application-oa2-client.is2demo",
            "draft": "no",
            "simulator_url": address,
        }
        secrets = {"client_secret": Secret("is2-demo-client-secret-0123456789")}
        app = PlatformSettings("simulator", values, secrets)
        running = Harness(address, session, clock, CartHttp(stack.enter_context(requests.Session())), app)
        yield running
        assert running.steer("GET", "violations")["violations"] == []
