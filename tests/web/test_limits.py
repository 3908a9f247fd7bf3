"""What is asked for too often is refused: by address, by account, in all; with Redis and without it."""

from __future__ import annotations

import http.client
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from flask import Flask, g, request
from flask.typing import ResponseReturnValue

from cli.embedded_redis import EmbeddedRedis
from is2_core.accounts.users import AccountRef, SignedIn
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.clock import VirtualClock
from is2_core.config import Config
from tests.conftest import make_config
from tests.support.browser import PASSWORD, Browser
from tests.support.live import served
from tests.support.panel import ALICE, START, Panel
from web.accounts import auth
from web.app import create_app
from web.inventory import drift
from web.limits import limiter
from web.limits.kinds import EXPORT, INSTALL, SIGN_IN, Limits
from web.serve import _who_asks

CLOSED = "redis://127.0.0.1:1"
FEW = Limits("few", minutes=10, per_address=4, per_account=2, in_all=6)
# Every page that is limited. A new one that looks into many rows, sends something or checks a secret belongs here.
LIMITED = {
    "auth.sign_in": SIGN_IN,
    "passwords.by_link": SIGN_IN,
    "passwords.replace_old": SIGN_IN,
    "second_factor.enrol": SIGN_IN,
    "second_factor.give": SIGN_IN,
    "second_factor.renew_codes": SIGN_IN,
    "auth.change_password": SIGN_IN,
    "install.begin": INSTALL,
    "install.login_leg": INSTALL,
    "install.come_back": INSTALL,
    "install.prove_again": INSTALL,
    "install.resume": INSTALL,
    "install.answer": INSTALL,
    "orders_export.export": EXPORT,
    "stock_export.export": EXPORT,
    "item_table.download": EXPORT,
    "drift.download": EXPORT,
    "access_review.download": EXPORT,
}


def small_app(config: Config, limits: Limits = FEW) -> Flask:
    """An application of two pages of one kind, whose header `User` signs in: "1" for account 1, "1 2" in account 2."""
    app = Flask(__name__)

    @app.before_request
    def who() -> None:
        user, _, chosen = request.headers.get("User", "").partition(" ")
        if user:
            own = (AccountRef(int(user), "Own", "owner"), AccountRef(9, "Second", "owner"))
            g.viewer = SignedIn(int(user), "", "", "merchant", 0, own)
            g.account = AccountRef(int(chosen or user), "", "")

    @app.route("/api/one", methods=["GET", "POST"])
    @limiter.limited(limits)
    def one() -> ResponseReturnValue:
        return "one"

    @app.get("/api/two")
    @limiter.limited(limits)
    def two() -> ResponseReturnValue:
        return "two"

    limiter.init_app(app, config)
    return app


def ask(
    app: Flask, address: str = "192.0.2.1", *, user: str = "", page: str = "/api/one", email: str | None = None
) -> int:
    """Ask for a page from an address; returns the status."""
    form = {"email": email} if email is not None else None
    answer = app.test_client().open(
        page,
        method="POST" if form else "GET",
        data=form,
        headers={"User": user} if user else {},
        environ_base={"REMOTE_ADDR": address},
    )
    return answer.status_code


def passes(times: int, one: Callable[[], int]) -> bool:
    """Whether so many are answered and the next is refused."""
    return [one() for _ in range(times + 1)] == [200] * times + [429]


@pytest.fixture(params=["redis", "closed"])
def config(request: pytest.FixtureRequest) -> Config:
    """A configuration with limits, on a Redis and on one that is away."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else CLOSED
    return replace(make_config("sqlite://"), redis_url=url, limits=1)


def test_by_address_over_all_pages_of_a_kind(config: Config) -> None:
    app = small_app(config)
    assert [ask(app, page=page) for page in ("/api/one", "/api/two") * 2] == [200] * 4
    assert ask(app, page="/api/two") == 429
    assert ask(app, "192.0.2.2") == 200


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("nonsense", "other nonsense"),
    ],
)
def test_addresses_of_one_customer_are_one(one: str, same: str) -> None:
    app = small_app(replace(make_config("sqlite://"), limits=1))
    assert passes(4, lambda: ask(app, one))
    assert ask(app, same) == 429
    assert ask(app, "2001:db8:1:3::1") == 200


def test_by_account_from_wherever(config: Config) -> None:
    app = small_app(config)
    assert [ask(app, f"192.0.2.{n}", user="1") for n in (1, 2, 3)] == [200, 200, 429]
    # A colleague's requests count with them; another account's and those in a second account of one's own do not.
    assert ask(app, user="1 9") == 200
    assert ask(app, user="2") == 200
    # Support looks at account 1, and takes nothing from it.
    assert ask(app, "192.0.2.7", user="3 1") == 200


def test_what_a_stranger_types_counts_for_the_stranger(config: Config) -> None:
    app = small_app(config)
    assert passes(2, lambda: ask(app, email="victim@example.com"))
    assert ask(app, email=" VICTIM@example.com ") == 429
    assert ask(app, "192.0.2.2", email="victim@example.com") == 200


def test_in_all(config: Config) -> None:
    app = small_app(config)
    assert [ask(app, f"192.0.2.{n}") for n in range(1, 8)] == [200] * 6 + [429]


def test_the_operator_s_factor(config: Config) -> None:
    thrice = small_app(replace(config, limits=3))
    assert passes(12, lambda: ask(thrice))
    app = small_app(replace(config, limits=0))
    assert {ask(app) for _ in range(20)} == {200}


def test_retry_after_is_when_the_counter_ends(redis_url: str) -> None:
    app = small_app(replace(make_config("sqlite://"), redis_url=redis_url, limits=1))
    assert passes(4, lambda: ask(app))
    answer = app.test_client().get("/api/one", environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert 590 <= int(answer.headers["Retry-After"]) <= 601
    assert "Wait 10 minutes" in answer.json["error"]["message"]  # type: ignore[index]
    with redis.Redis.from_url(redis_url) as connection:
        keys = connection.keys()
        assert keys
        # Nobody's email address stands there, and each key goes by itself.
        assert all(0 < connection.ttl(key) <= 600 for key in keys)
        connection.delete(*keys)
    assert ask(app) == 200


def test_a_redis_that_dies_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = 0
    monkeypatch.setattr("flask_limiter._extension.time", SimpleNamespace(time=lambda: time.time() + ahead))
    folder = Path(tempfile.mkdtemp())
    try:
        with EmbeddedRedis(folder) as server:
            app = small_app(replace(make_config("sqlite://"), redis_url=server.url, limits=1))
            assert [ask(app) for _ in range(3)] == [200] * 3
        # Away: counted anew in this process, and refused all the same.
        assert passes(4, lambda: ask(app))
        with EmbeddedRedis(folder):
            assert ask(app) == 429
            ahead = 60
            # Back, it goes on with what it knew: one was left.
            assert passes(1, lambda: ask(app))
            assert ask(app, "192.0.2.2") == 200
    finally:
        shutil.rmtree(folder)


def test_no_request_makes_the_limiter_forget_redis(redis_url: str) -> None:
    app = small_app(replace(make_config("sqlite://"), redis_url=redis_url, limits=1))
    app.config["MAX_CONTENT_LENGTH"] = 10
    made = next(iter(app.extensions["limiter"]))
    for method in ("GET", "POST"):
        for body in (b"email=" + b"x" * 20, b"email=%ff%fe", b"email=\x00\n"):
            app.test_client().open(
                "/api/one", method=method, data=body, content_type="application/x-www-form-urlencoded"
            )
            app.test_client().open(
                "/api/one", method=method, data=b"--x\r\nnothing", content_type="multipart/form-data; boundary=x"
            )
    assert made.limiter is made._limiter, "a request had it count in memory"


@pytest.fixture(scope="module")
def limited_app() -> Flask:
    """The whole panel, with limits that are reached soon."""
    config = replace(make_config("sqlite://"), limits=1)
    with pytest.MonkeyPatch.context() as patch:
        for view, limits in ((auth.sign_in, SIGN_IN), (drift.download, EXPORT)):
            patch.setattr(view, "limits", replace(limits, per_account=3))
        return create_app(build_platform(config, clock=VirtualClock(START), carts=CartRegistry()))


def over(app: Flask, panel: Panel) -> Browser:
    """A browser at the limited panel over a test's platform, of which nobody has asked anything yet."""
    next(iter(app.extensions["limiter"]))._fallback_limiter.storage.reset()
    app.extensions["is2"], app.extensions["is2_session_clock"] = panel.platform, panel.session_clock
    return Browser(app)


def test_the_pages_that_are_limited(panel: Panel) -> None:
    views = panel.app.view_functions.items()
    assert {name: view.limits for name, view in views if hasattr(view, "limits")} == LIMITED  # type: ignore[attr-defined]
    exports = {rule.endpoint for rule in panel.app.url_map.iter_rules() if re.search(r"\.(json|csv)$", rule.rule)}
    assert exports <= set(LIMITED)


def test_sign_ins_tell_nothing_about_addresses(panel: Panel, limited_app: Flask) -> None:
    seen = {}
    for email in (ALICE, "nobody@example.com"):
        browser = over(limited_app, panel)
        browser.get("/sign-in")
        told = []
        for _ in range(4):
            page = browser.post("/sign-in", {"email": email, "password": "wrong"})
            told.append((page.status, page.text.replace(email, "")))
        seen[email] = [(status, re.sub(r"\d+ (minutes|seconds)", "", text)) for status, text in told]
        assert page.response.headers["Retry-After"].isdigit()
    assert seen[ALICE] == seen["nobody@example.com"]
    assert [status for status, _ in seen[ALICE]] == [400] * 3 + [429]
    assert "This was asked for too often" in seen[ALICE][-1][1]
    # The sign-in page itself can be read, and nothing was asked of a password beyond the limit.
    assert Browser(limited_app).get("/sign-in").status == 200


def test_an_export_beyond_its_limit(panel: Panel, limited_app: Flask) -> None:
    browser = over(limited_app, panel)
    browser.sign_in(ALICE, PASSWORD)
    address = f"/integrations/{panel.store(panel.northwind).id}/stock/drift.csv"
    statuses = [browser.client.get(address).status_code for _ in range(4)]
    assert statuses == [200] * 3 + [429]
    assert browser.get("/integrations").status == 200


@pytest.mark.parametrize(
    ("trusted", "header", "counted"),
    [
        ("", "198.51.100.7", "127.0.0.1"),
        ("192.0.2.50", "198.51.100.7", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.1, 203.0.113.2, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::/64"),
        ("*", "203.0.113.1, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", None, "127.0.0.1"),
    ],
)
def test_only_the_proxy_says_who_asks(trusted: str, header: str | None, counted: str) -> None:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=limiter.caller_address)
    config = replace(make_config("sqlite://"), trusted_proxy=trusted)
    with served(lambda _: app, **_who_asks(config)) as address:
        connection = http.client.HTTPConnection(address.removeprefix("http://"))
        connection.request("GET", "/", headers={"X-Forwarded-For": header} if header else {})
        assert connection.getresponse().read().decode() == counted
        connection.close()


def test_behind_a_proxy_nobody_told_of_no_address_is_limited(redis_url: str) -> None:
    config = replace(make_config("sqlite://"), redis_url=redis_url, limits=1, public_url="https://is2.example.com")
    app = small_app(config)
    assert passes(6, lambda: ask(app, "127.0.0.1"))
    with redis.Redis.from_url(redis_url) as connection:
        connection.flushall()
    told = small_app(replace(config, trusted_proxy="127.0.0.1"))
    assert passes(4, lambda: ask(told))
