"""Connecting a store, and its token."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

from plugins.conformance.carts.capability import needs
from plugins.conformance.carts.cart_under_test import CartUnderTest
from plugins.conformance.carts.harness import Harness
from plugins.conformance.carts.manifest_checks import problem_of
from plugins.conformance.expecting import must_raise
from plugins.conformance.tokens import KeptToken
from plugins.interface import (
    AskFields,
    AuthorizationLost,
    Connected,
    FieldKind,
    Redirect,
    Secret,
    SettingsError,
)

_GARBAGE = "kit-garbage-0000"
_GARBAGE_KEY = "kit-refused-key-0000"
_FOREIGN = "KITFOREIGNSELLER"


class InstallChecks(CartUnderTest):
    """From the first step to Connected, and what must hold of the store afterwards."""

    def test_a_store_is_connected(self, unconnected: Harness) -> None:
        connected = unconnected.connect()
        store = unconnected.store
        assert connected.credentials, "Connected carries no credentials"
        assert all(isinstance(one, Secret) and one.value for one in connected.credentials.values()), (
            "every credential is a Secret with a value"
        )
        assert unconnected.has("mint_access_token") or "token" in connected.credentials, (
            'a cart without mint_access_token puts its key under "token"'
        )
        region = unconnected.manifest.region(unconnected.store.region)
        foreign = set(store.sites) - {site.id for site in region.sites} if region else set()
        assert not foreign, f"the sites {sorted(foreign)} are none of the region {unconnected.store.region}"

    def test_the_same_store_is_known_again(self, harness: Harness) -> None:
        before = harness.store.remote_id
        assert harness.connect().identity.remote_id == before, "a reconnect must give the same remote_id"

    def test_what_is_asked_and_where_the_browser_is_sent(self, unconnected: Harness) -> None:
        hidden = [secret.value for secret in unconnected.app.secrets.values()]
        for step in unconnected.steps():
            if isinstance(step, AskFields):
                keys = [field.key for field in step.fields]
                assert keys and len(keys) == len(set(keys)), "AskFields asks for nothing, or for a key twice"
                wrong = {field.key: problem for field in step.fields if (problem := problem_of(field))}
                assert not wrong, f"fields that cannot be drawn: {wrong}"
            if isinstance(step, Redirect):
                self._check_redirect(unconnected, step, hidden)

    def _check_redirect(self, harness: Harness, step: Redirect, hidden: list[str]) -> None:
        host = urlsplit(step.url).netloc.lower()
        entries = [entry for entry in harness.manifest.environments if entry.code == harness.app.environment]
        known = {host for entry in entries for host in entry.browser_hosts}
        urls = [field.key for field in harness.manifest.platform_fields if field.kind is FieldKind.URL]
        known |= {urlsplit(harness.app.values.get(key, "")).netloc.lower() for key in urls}
        assert host in known, f"the browser is sent to {host}, which the manifest does not name among browser_hosts"
        said = " ".join([step.url, *step.params, *step.params.values()])
        assert not [secret for secret in hidden if secret and secret in said], (
            "a platform secret is in a redirect, where every browser and proxy can read it"
        )
        clash = {step.state_param, step.return_param} & step.params.keys()
        assert not clash, f"the core adds {', '.join(map(str, clash))} itself"

    def test_an_answer_that_does_not_fit_is_explained(self, unconnected: Harness) -> None:
        for step in unconnected.steps():
            if isinstance(step, Connected):
                return
            good = self.install_answer(unconnected.shop, step)
            asked = step.fields if isinstance(step, AskFields) else ()
            kinds = {field.key: field.kind for field in asked}
            garbled = {key: _garbled(value, kinds.get(key)) for key, value in good.items()}
            for params in (garbled, {}) if isinstance(step, Redirect) else (garbled,):
                try:
                    after = unconnected.answer(step, params)
                except SettingsError:
                    continue
                assert isinstance(after, AskFields), (
                    f"install took a garbled answer and went on with {type(after).__name__}; raise SettingsError with "
                    "a message for the merchant"
                )

    def test_a_merchant_who_declines_is_told_so(self, unconnected: Harness) -> None:
        step = next(unconnected.steps())
        assert not isinstance(step, Connected), "install connected without asking anybody"
        params = self.declined_answer(unconnected.shop, step)
        with must_raise(SettingsError, "the merchant declined at the shop"):
            unconnected.answer(step, params)

    def test_the_connection_can_be_tested(self, harness: Harness) -> None:
        needs(harness.hooks, "check_connection")
        identity = harness.call("check_connection")
        assert identity.remote_id == harness.store.remote_id, (
            f"check_connection answers as {identity.remote_id}, install connected {harness.store.remote_id}"
        )

    def test_the_seller_is_proved_and_no_other_is(self, harness: Harness) -> None:
        needs(harness.hooks, "prove_seller")
        proved = harness.call("prove_seller").remote_id
        assert proved == harness.store.remote_id, (
            f"prove_seller proved {proved}, install connected {harness.store.remote_id}"
        )
        harness.store = replace(harness.store, remote_id=_FOREIGN)
        with must_raise(SettingsError, "the authorization is not of the seller that is to be proved"):
            harness.call("prove_seller")

    def test_who_the_seller_is_is_not_believed_from_the_browser(self, unconnected: Harness) -> None:
        own = unconnected.connect().identity.remote_id
        for step in unconnected.steps():
            if not isinstance(step, Redirect):
                continue
            good = self.install_answer(unconnected.shop, step)
            if own not in good.values():
                continue
            forged = {key: _FOREIGN if value == own else value for key, value in good.items()}
            try:
                after = unconnected.answer(step, forged)
            except SettingsError:
                return
            believed = isinstance(after, Connected) and after.identity.remote_id == _FOREIGN
            assert not believed or unconnected.has("prove_seller"), (
                "install takes the seller's id from the browser, where anybody can type one: read it from an "
                "authenticated answer, or prove it in prove_seller"
            )
            return

    def test_a_token_is_minted_and_lasts(self, harness: Harness) -> None:
        needs(harness.hooks, "mint_access_token")
        token = harness.mint()
        assert token.value.value, "mint_access_token returned an empty token"
        assert token.expires_at > harness.clock.now() + timedelta(minutes=5), (
            f"the token ends at {token.expires_at}; the core renews a token five minutes before its end"
        )

    def test_credentials_the_shop_does_not_know_are_a_lost_authorization(self, harness: Harness) -> None:
        needs(harness.hooks, "mint_access_token")
        wrong = {name: Secret(_GARBAGE_KEY) for name in harness.credentials}
        with must_raise(AuthorizationLost, "the shop knows no such credentials"):
            harness.mint(wrong)

    def test_a_refused_token_is_replaced_and_the_call_goes_on(self, harness: Harness) -> None:
        needs(harness.hooks, "mint_access_token")
        harness.orders(1)
        harness.http.next_answers(self.refused_token)
        token = harness.token
        assert isinstance(token, KeptToken), "the store is connected"
        minted = token.minted
        harness.call("fetch_orders", query=harness.window())
        assert token.minted == minted + 1, "a token that was refused is replaced by ctx.token.get(refused=token)"

    def test_a_token_refused_for_good_is_a_lost_authorization(self, harness: Harness) -> None:
        harness.http.always = self.refused_token
        with must_raise(AuthorizationLost, "the shop takes no token of this store"):
            harness.call("fetch_orders", query=harness.window())

    def test_a_revoked_authorization_is_noticed(self, harness: Harness) -> None:
        self.revoke(harness.shop)
        with must_raise(AuthorizationLost, "the authorization was revoked at the shop"):
            harness.mint() if harness.has("mint_access_token") else harness.call("fetch_orders", query=harness.window())


def _garbled(value: str, kind: FieldKind | None) -> str:
    if kind is FieldKind.SHOP_URL:
        return value
    # Only what is typed as a secret must not be repeated in a message.
    return _GARBAGE_KEY if kind is FieldKind.SECRET else _GARBAGE
