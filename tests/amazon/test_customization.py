"""Fetching what a buyer had made of a line."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest

from plugins.amazon import plugin
from plugins.interface import (
    CUSTOMIZATION_MAX,
    CartContext,
    Customization,
    Effect,
    Order,
    Permanent,
    RateLimited,
    Reply,
    Temporary,
)
from tests.amazon.conftest import SELLER, Harness
from tests.amazon.scripted import Call, Scripted, reply

URL = "https://zme-caps.amazon.com/t/bR6qHkzSOxuB/1"
ZIP = b"PK\x03\x04 a gift"


def production(harness: Harness, *answers: Reply | Exception) -> tuple[CartContext, Scripted]:
    """A store of the production environment whose calls are answered from a script; it may not need a token."""
    ctx = harness.new_store()
    http = Scripted(list(answers))
    return replace(ctx, app=replace(ctx.app, environment="production"), http=http), http


def test_the_file_comes_as_it_is_and_no_token_goes_there(harness: Harness) -> None:
    ctx, http = production(harness, reply(200, ZIP, content_type="application/zip; charset=binary"))
    assert plugin.fetch_customization(ctx, URL) == Customization("customization.zip", "application/zip", ZIP)
    assert http.calls == [Call("downloadCustomization", Effect.READ, "GET", URL, {}, {}, None, None)]


@pytest.mark.parametrize(
    ("url", "disposition", "name"),
    [
        (URL, 'attachment; filename="40123_gift.zip"', "40123_gift.zip"),
        (URL, "attachment; filename*=UTF-8''na%C3%AFve.zip", "naïve.zip"),
        (URL, 'attachment; filename="../../etc/passwd"', "passwd"),
        (URL, 'attachment; filename="C:\\\\temp\\\\gift.zip"', "gift.zip"),
        (URL, 'attachment; filename="..."', "customization.zip"),
        (URL, 'attachment; filename="a:b?\x07c.zip"', "abc.zip"),
        (URL, "attachment", "customization.zip"),
        ("https://amazon.com/custom/view/12345", "", "customization.zip"),
        ("https://amazon.com/custom/40123.zip?sig=a%2Fb", "", "40123.zip"),
        ("https://amazon.com/custom/..%2F40123.zip", "", "40123.zip"),
        (URL, f'attachment; filename="{"x" * 300}.zip"', "x" * 96 + ".zip"),
    ],
)
def test_the_name_is_a_plain_one(harness: Harness, url: str, disposition: str, name: str) -> None:
    ctx, _ = production(harness, reply(200, ZIP, content_disposition=disposition))
    assert plugin.fetch_customization(ctx, url) == Customization(name, "application/octet-stream", ZIP)


@pytest.mark.parametrize(
    ("location", "followed"),
    [
        ("https://www.amazon.com/gift.zip", "https://www.amazon.com/gift.zip"),
        ("/u/2", "https://zme-caps.amazon.com/u/2"),
    ],
)
def test_one_redirect_is_followed(harness: Harness, location: str, followed: str) -> None:
    ctx, http = production(harness, reply(302, b"", location=location), reply(200, ZIP))
    assert plugin.fetch_customization(ctx, URL).content == ZIP
    assert [call.url for call in http.calls] == [URL, followed]


def test_only_a_redirect_is_followed(harness: Harness) -> None:
    ctx, http = production(harness, reply(200, ZIP, location="/elsewhere"))
    assert plugin.fetch_customization(ctx, URL).content == ZIP
    assert len(http.calls) == 1


def test_a_redirect_to_a_host_that_may_not_be_called_ends_it(harness: Harness) -> None:
    elsewhere = reply(302, b"", location="https://evil.example/gift.zip")
    refused = Permanent("This integration tried to call an address it may not call.", code="HOST_NOT_ALLOWED")
    ctx, http = production(harness, elsewhere, refused)
    with pytest.raises(Permanent) as error:
        plugin.fetch_customization(ctx, URL)
    assert error.value.code == "HOST_NOT_ALLOWED"
    assert len(http.calls) == 2


@pytest.mark.parametrize("answer", [reply(302, b"", location="/again"), reply(302, b"")])
def test_a_second_redirect_is_not_followed(harness: Harness, answer: Reply) -> None:
    ctx, http = production(harness, answer)
    with pytest.raises(Temporary):
        plugin.fetch_customization(ctx, URL)
    assert len(http.calls) == (2 if answer.headers else 1)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_link_that_has_gone_is_said_to_have_gone(harness: Harness, status: int) -> None:
    ctx, _ = production(harness, reply(status, b"<Error/>"))
    with pytest.raises(Permanent) as error:
        plugin.fetch_customization(ctx, URL)
    assert error.value.message == "The link to the customization is not good any more."
    assert URL not in error.value.detail


@pytest.mark.parametrize(
    "answer",
    [
        reply(500, b"x"),
        reply(400, b"x"),
        reply(200, b""),
        reply(204, b""),
        reply(200, b"<html>Sign in</html>", content_type="Text/HTML; charset=utf-8"),
    ],
)
def test_anything_else_is_tried_again(harness: Harness, answer: Reply) -> None:
    ctx, _ = production(harness, answer)
    with pytest.raises(Temporary):
        plugin.fetch_customization(ctx, URL)


def test_a_pause_is_kept(harness: Harness) -> None:
    ctx, _ = production(harness, reply(429, b"x"))
    with pytest.raises(RateLimited) as error:
        plugin.fetch_customization(ctx, URL)
    assert error.value.until - harness.clock.now() == timedelta(seconds=5)


def test_a_file_of_any_size_is_not_taken(harness: Harness) -> None:
    ctx, _ = production(harness, reply(200, b"x" * (CUSTOMIZATION_MAX + 1)))
    with pytest.raises(Permanent) as error:
        plugin.fetch_customization(ctx, URL)
    assert error.value.code == "CUSTOMIZATION_TOO_LARGE"
    assert "20 MB" in error.value.message


@pytest.mark.parametrize(
    "url",
    [
        "http://zme-caps.amazon.com/t/1",
        "ftp://zme-caps.amazon.com/t/1",
        "zme-caps.amazon.com/t/1",
        "https:///t/1",
        "https://[::1/t/1",
        "https://amazon.com:x/t/1",
        "",
    ],
)
def test_personal_data_is_fetched_from_a_proper_encrypted_address_only(harness: Harness, url: str) -> None:
    ctx, http = production(harness, reply(200, ZIP))
    with pytest.raises(Permanent):
        plugin.fetch_customization(ctx, url)
    ctx, http = production(harness, reply(302, b"", location=url or "http://amazon.com"), reply(200, b""))
    with pytest.raises((Permanent, Temporary)):
        plugin.fetch_customization(ctx, URL)
    assert all(call.url.startswith("https://zme-caps.amazon.com/") for call in http.calls)


def test_its_hosts_are_declared() -> None:
    environments = {each.code: each.hosts for each in plugin.cart_manifest().environments}
    for environment in ("production", "sandbox"):
        assert {"zme-caps.amazon.com", "amazon.com", "www.amazon.com"} <= set(environments[environment])


def test_what_a_buyer_had_made_is_fetched_while_its_address_is_good_and_newly_named_afterwards(
    harness: Harness,
) -> None:
    (order_id,) = harness.steer("POST", "orders/generate", {"seller": SELLER, "mix": {"customized": 1}})["branches"][
        "customized"
    ]
    ctx = harness.store()

    def address() -> str:
        order = plugin.fetch_order(ctx, order_id)
        assert isinstance(order, Order)
        return next(line.customization_url for line in order.lines if line.customization_url)

    first = address()
    made = plugin.fetch_customization(ctx, first)
    assert (made.name, made.content_type) == ("customization.zip", "application/zip")
    assert zipfile.ZipFile(io.BytesIO(made.content)).testzip() is None
    harness.clock.advance(2 * 3600)
    with pytest.raises(Permanent) as error:
        plugin.fetch_customization(ctx, first)
    assert error.value.code == "CUSTOMIZATION_GONE"
    assert plugin.fetch_customization(ctx, address()).content == made.content
    with pytest.raises(Permanent):
        plugin.fetch_customization(ctx, f"{harness.address}/custom/never-given")
