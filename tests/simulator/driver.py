"""Speaks to a simulator in this process, the way a client would over HTTP."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from plugins.amazon.simulator import Request, Response, Simulator

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NORTHWIND = "A2SIMNA0000001"
REMOTE = "A2SIMNA0000003"
ALPEN = "A2SIMEU0000001"
SAKURA = "A2SIMFE0000001"
APPLICATION = "amzn1.sp.solution.is2-demo"
CLIENT = {
    "client_id": "amzn1.application-oa2-client.is2demo",
    "client_secret": "is2-demo-client-secret-0123456789",
}
PANEL = "http://127.0.0.1:5000/amazon/authorized"
ORDERS = "/na/orders/2026-01-01/orders"
FEEDS = "/na/feeds/2021-06-30"
XML = "text/xml; charset=UTF-8"
JSON = "application/json; charset=UTF-8"
EVERYTHING = "BUYER,RECIPIENT,PROCEEDS,CANCELLATION,FULFILLMENT,PACKAGES"


class Driver:
    """A client of one simulator whose clock stands at START until it is moved."""

    def __init__(self, **options: Any) -> None:
        self.simulator = Simulator(clock=lambda: START, **options)

    def send(
        self, method: str, address: str, *, headers: dict[str, str] | None = None, body: bytes = b"", **query: str
    ) -> Response:
        parts = urlsplit(address)
        return self.simulator.handle(
            Request(method, parts.path, dict(parse_qsl(parts.query)) | query, headers or {}, body)
        )

    def steer(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        answer = self.send(method, f"/_sim/{path}", body=b"" if body is None else json.dumps(body).encode(), **query)
        assert answer.status == 200, answer.body
        return answer.json()

    def advance(self, seconds: float) -> None:
        self.steer("POST", "clock", {"advance_s": seconds})

    def token_call(self, **form: str) -> Response:
        return self.send(
            "POST",
            "/auth/o2/token",
            headers={"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"},
            body=urlencode(form).encode(),
        )

    def grantless(self, scope: str) -> str:
        """An access token of the application itself."""
        return self.token_call(grant_type="client_credentials", scope=scope, **CLIENT).json()["access_token"]

    def connect(self, seller: str = NORTHWIND) -> "Store":
        refresh = self.steer("POST", "authorize", {"seller": seller})["refresh_token"]
        return Store(self, seller, refresh)

    def roles(self, *roles: str, seller: str = NORTHWIND) -> None:
        """The application has these roles from now on, and the seller agrees to them."""
        self.steer("POST", "application", {"roles": list(roles)})
        self.steer("POST", "authorize", {"seller": seller})

    def order(self, seller: str = NORTHWIND, branch: str = "plain", **changes: Any) -> dict[str, Any]:
        """One generated order, changed as wanted; returns what steering shows of it."""
        made = self.steer("POST", "orders/generate", {"seller": seller, "mix": {branch: 1}})
        order_id = made["branches"][branch][0]
        return self.steer("POST", f"orders/{order_id}", changes) if changes else self.steer("GET", f"orders/{order_id}")


class Store:
    """A connected seller."""

    def __init__(self, driver: Driver, seller: str, refresh_token: str) -> None:
        self.driver, self.seller, self.refresh_token = driver, seller, refresh_token
        self.renew()

    def renew(self) -> None:
        answer = self.driver.token_call(grant_type="refresh_token", refresh_token=self.refresh_token, **CLIENT)
        self.token = answer.json()["access_token"]

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Response:
        headers = {"x-amz-access-token": self.token, "user-agent": "IS2/1.0 (Language=Python/3.11)"}
        if body is not None:
            headers["content-type"] = "application/json"
        return self.driver.send(
            method, path, headers=headers, body=b"" if body is None else json.dumps(body).encode(), **query
        )

    def restricted(self, path: str, *elements: str) -> str:
        """A restricted data token for a path, without its region."""
        resource = {"method": "GET", "path": path} | ({"dataElements": list(elements)} if elements else {})
        region = self.driver.simulator.state.sellers[self.seller].region
        answer = self.call(
            "POST", f"/{region}/tokens/2021-03-01/restrictedDataToken", {"restrictedResources": [resource]}
        )
        assert answer.status == 200, answer.body
        return answer.json()["restrictedDataToken"]

    def search(self, **query: str) -> Response:
        return self.call("GET", ORDERS, **query)

    def upload(self, content: bytes, content_type: str = XML) -> str:
        made = self.call("POST", f"{FEEDS}/documents", {"contentType": content_type}).json()
        put = self.driver.send("PUT", made["url"], headers={"Content-Type": content_type}, body=content)
        assert put.status == 200, put.body
        return made["feedDocumentId"]

    def submit(self, feed_type: str, content: bytes, content_type: str = XML, place: str = "ATVPDKIKX0DER") -> str:
        specification = {
            "feedType": feed_type,
            "marketplaceIds": [place],
            "inputFeedDocumentId": self.upload(content, content_type),
        }
        answer = self.call("POST", f"{FEEDS}/feeds", specification)
        assert answer.status == 202, answer.body
        return answer.json()["feedId"]

    def feed(self, feed_id: str) -> dict[str, Any]:
        return self.call("GET", f"{FEEDS}/feeds/{feed_id}").json()

    def report(self, feed_id: str) -> bytes:
        """The processing report of a feed that is DONE."""
        document = self.call("GET", f"{FEEDS}/documents/{self.feed(feed_id)['resultFeedDocumentId']}").json()
        content = self.driver.send("GET", document["url"]).body
        return gzip.decompress(content) if document.get("compressionAlgorithm") == "GZIP" else content

    def run(self, feed_type: str, content: bytes, content_type: str = XML) -> bytes:
        """Submit a feed, wait for it on the simulator's clock and return its report."""
        feed_id = self.submit(feed_type, content, content_type)
        self.driver.advance(60)
        assert self.feed(feed_id)["processingStatus"] == "DONE"
        return self.report(feed_id)


def error(answer: Response) -> dict[str, str]:
    """The one error of an answer of the Selling Partner API."""
    (only,) = answer.json()["errors"]
    return only
