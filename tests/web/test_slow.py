"""The panel behind its real server, with few threads, while a shop or a password takes its time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests
import sqlalchemy as sa
from argon2 import PasswordHasher
from bs4 import BeautifulSoup

from is2_core.accounts import passwords
from is2_core.accounts.models import InstallSession
from is2_core.admin import cart_setup
from is2_core.calls import live_limits
from tests.support.amazon import APPLICATION
from tests.support.browser import PASSWORD
from tests.support.live import served
from tests.support.panel import ADMIN, ALICE, CHARLIE, Panel
from web.serve import THREADS

AT_ONCE_S = 1.0


class Visitor:
    """A person's browser at a real address."""

    def __init__(self, address: str, email: str) -> None:
        self.address, self.session = address, requests.Session()
        page = self.session.get(f"{address}/sign-in", timeout=30)
        self.token = self._token(page)
        if email:
            values = {"csrf_token": self.token, "email": email, "password": PASSWORD}
            page = self.session.post(f"{address}/sign-in", data=values, timeout=30)
            assert page.ok, page.text
            self.token = self._token(self.get("/help"))

    def _token(self, page: requests.Response) -> str:
        tag = BeautifulSoup(page.text, "html.parser").find("input", attrs={"name": "csrf_token"})
        assert tag is not None, page.text
        return str(tag["value"])

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.address + path, timeout=30)

    def post(self, path: str, **values: str) -> requests.Response:
        """Send a form in a connection of its own, as another tab does."""
        return requests.post(
            self.address + path,
            data={"csrf_token": self.token, **values},
            cookies=self.session.cookies.get_dict(),
            timeout=30,
        )


class SlowShop:
    """A shop that takes every request and answers a byte now and then, until it is told to end."""

    def __init__(self, listener: socket.socket) -> None:
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.asked = threading.Semaphore(0)
        self.end = threading.Event()
        self._listener = listener
        self._pool = ThreadPoolExecutor(20)

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._pool.submit(self._drip, connection)

    def _drip(self, connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            self.asked.release()
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not self.end.wait(0.2):
                    connection.sendall(b"x")
            except OSError:
                return


@contextmanager
def slow_shop() -> Iterator[SlowShop]:
    listener = socket.create_server(("127.0.0.1", 0))
    shop = SlowShop(listener)
    thread = threading.Thread(target=shop.serve)
    thread.start()
    try:
        yield shop
    finally:
        shop.end.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)


def use(panel: Panel, shop: SlowShop) -> None:
    """Let every store's calls go to this shop."""
    cart_setup.save_cart_settings(panel.platform, "amazon", "simulator", {**APPLICATION, "simulator_url": shop.address})


def assert_alive(visitor: Visitor, path: str) -> None:
    """Liveness and a page of somebody signed in come within a second."""
    started = time.monotonic()
    assert visitor.get("/healthz").status_code == 200
    page = visitor.get(path)
    assert page.status_code == 200 and "Sign in</h1>" not in page.text
    assert time.monotonic() - started < 2 * AT_ONCE_S


def test_live_calls_and_a_hash_leave_threads_free() -> None:
    assert live_limits.AT_ONCE + 1 < THREADS
    assert live_limits.AT_ONCE < 4, "waitress's own number of threads"


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/integrations/{}/test", {}),
        ("/received-orders/fetch", {"integration_id": "{}", "remote_id": "111-0000000-0000001"}),
    ],
)
def test_field_I2_a_slow_shop_stops_nobody_else(panel: Panel, path: str, values: dict[str, str]) -> None:
    store = panel.store(panel.northwind).id
    path, values = path.format(store), {name: value.format(store) for name, value in values.items()}
    with slow_shop() as shop, served(lambda _: panel.app) as address, ThreadPoolExecutor(8) as pool:
        alice, charlie = Visitor(address, ALICE), Visitor(address, CHARLIE)
        use(panel, shop)
        started = time.monotonic()
        asking = [pool.submit(alice.post, path, **values) for _ in range(8)]
        for _ in range(live_limits.AT_ONCE_OF_ACCOUNT):
            assert shop.asked.acquire(timeout=10)
        assert_alive(charlie, "/integrations")
        assert_alive(alice, "/received-orders")
        # Six were answered while two still wait.
        while sum(answer.done() for answer in asking) < 6:
            assert time.monotonic() - started < 5
            time.sleep(0.01)
        refused = [answer.result() for answer in asking if answer.done()]
        assert [page.status_code for page in refused] == [429] * 6
        assert {page.headers["Retry-After"] for page in refused} == {"5"}
        assert all("Your shop is slow to answer" in page.text for page in refused)
        if "remote_id" in values:
            assert all(values["remote_id"] in page.text for page in refused), "what was typed is kept"
        assert not shop.asked.acquire(blocking=False), "no third one reached the shop"
        shop.end.set()
        waited = [answer.result() for answer in asking if answer.result() not in refused]
        assert [page.status_code for page in waited] == [502, 502]
    # What was held is free again.
    assert panel.platform.live_calls._open.total() == 0


def test_slow_shops_of_many_leave_threads_free(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = {ALICE: panel.store(panel.northwind).id, CHARLIE: panel.store(panel.contoso).id}
    with slow_shop() as shop, served(lambda _: panel.app) as address, ThreadPoolExecutor(8) as pool:
        people = {email: Visitor(address, email) for email in stores}
        admin = Visitor(address, ADMIN)
        use(panel, shop)
        asking = [
            pool.submit(people[email].post, f"/integrations/{store}/test")
            for _ in range(4)
            for email, store in stores.items()
        ]
        for _ in range(live_limits.AT_ONCE):
            assert shop.asked.acquire(timeout=10)
        assert_alive(admin, "/admin/plugins")
        shop.end.set()
        codes = sorted(answer.result().status_code for answer in asking)
    assert codes.count(502) >= live_limits.AT_ONCE
    assert set(codes) <= {429, 502, 503}


def test_a_slow_shop_ends_at_the_deadline_of_a_page(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_limits, "LIVE_S", 0.6)
    browser = panel.browser(ALICE)
    with slow_shop() as shop:
        use(panel, shop)
        started = time.monotonic()
        page = browser.post(f"/integrations/{panel.store(panel.northwind).id}/test")
        assert time.monotonic() - started < 2
    assert page.status == 502
    assert "slow to answer" in page.alerts[0]


def test_coming_back_from_the_cart_works_again_after_it_was_too_busy(panel: Panel) -> None:
    browser = panel.browser(ALICE)
    store = panel.store(panel.northwind).id
    with slow_shop() as shop:
        use(panel, shop)
        page = browser.post(f"/integrations/{store}/setup/resume")
        state = page.html.partition("state=")[2].partition("&")[0]
        assert state
        for _ in range(live_limits.AT_ONCE_OF_ACCOUNT):
            panel.platform.live_calls.take(panel.northwind)
        code = f"/amazon/authorized?state={state}&spapi_oauth_code=x&selling_partner_id=A1"
        page = browser.get(code)
        assert page.status == 429
        assert "try again in a moment" in page.text
        with panel.platform.db.read() as db:
            assert db.scalars(sa.select(InstallSession.used_at).order_by(InstallSession.id.desc())).first() is None
        assert not shop.asked.acquire(blocking=False)


class Standing(PasswordHasher):
    """The product's hasher; each check stands still until it may go on."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.begun.set()
        assert self.go_on.wait(30)
        return super().verify(hash, password)


def test_a_password_being_checked_holds_nobody_up(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(lambda _: panel.app) as address, ThreadPoolExecutor(8) as pool:
        charlie, stranger = Visitor(address, CHARLIE), Visitor(address, "")
        hasher = Standing()
        monkeypatch.setattr(passwords, "_hasher", hasher)
        first = pool.submit(stranger.post, "/sign-in", email=ALICE, password=PASSWORD)
        try:
            assert hasher.begun.wait(10)
            flood = [
                pool.submit(stranger.post, "/sign-in", email=email, password="x")
                for email in ("someone@example.com", ALICE) * 10
            ]
            assert_alive(charlie, "/integrations")
            refused = [answer.result(timeout=10) for answer in flood]
        finally:
            hasher.go_on.set()
        assert [page.status_code for page in refused] == [429] * 20
        for page in refused:
            assert page.headers["Retry-After"] == "5"
            assert "try again in a moment" in page.text
        field = BeautifulSoup(refused[0].text, "html.parser").find(id="email")
        assert field is not None and field["value"] == "someone@example.com"
        assert first.result().url.endswith("/integrations")
