"""Connecting a store: region, sign-in, the cart's own page, settings, Finish Setup."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.accounts.models import Integration
from is2_core.accounts.states import IntegrationState
from is2_core.carts.cart_settings import is_enabled
from is2_core.errors import FlowError
from is2_core.install import connect
from is2_core.install.connecting import AlreadyConnected
from is2_core.install.trip import Ask, GoTo, Step
from is2_core.integrations.seller_proof import NotProved
from plugins.interface import CartManifest
from web import access
from web.access import platform
from web.accounts.fresh import fresh
from web.forms import DeclaredForm, form_class, sent
from web.integrations.settings_page import settings_page
from web.limits.kinds import INSTALL
from web.limits.limiter import limited
from web.sessions import browser, is_signed_in, public

blueprint = Blueprint("install", __name__, template_folder="templates")


def _cart(name: str) -> CartManifest:
    if name not in platform().carts.names():
        abort(404)
    manifest = platform().carts.manifest(name)
    if not is_enabled(platform(), name):
        abort(404, f"{manifest.label} cannot be connected at present. Ask the warehouse when it will be open.")
    return manifest


@blueprint.get("/<cart>/install")
@public
def start(cart: str) -> ResponseReturnValue:
    """The public starting link: the sales region, where the cart has more than one."""
    manifest = _cart(cart)
    if not manifest.regions:
        return redirect(url_for(".confirm", cart=cart))
    return _regions(manifest)


def _regions(manifest: CartManifest, region: str = "", home_site: str = "", error: str = "") -> str:
    return render_template("install/region.html", manifest=manifest, chosen=region, home_site=home_site, error=error)


@blueprint.get("/<cart>/install/sign-in")
@public
def confirm(cart: str) -> ResponseReturnValue:
    """Who is asking, and where the integration will be created; shown even to a user who is signed in already."""
    manifest = _cart(cart)
    region, home_site = request.args.get("region", ""), request.args.get("home_site", "")
    if manifest.regions and manifest.region(region) is None:
        return _regions(manifest, "", home_site, "Choose the region you sell in."), 400
    try:
        connect.check_home_site(manifest, region, home_site)
    except FlowError as error:
        return _regions(manifest, region, home_site, error.message), error.status
    return _confirm(manifest, region, home_site)


def _confirm(
    manifest: CartManifest, region: str, home_site: str, wms_target: str = "", error: FlowError | None = None
) -> str:
    here = url_for(".confirm", cart=manifest.name, region=region or None, home_site=home_site or None)
    own = [each for each in access.user().accounts if access.is_owner(each.id)] if is_signed_in() else []
    return render_template(
        "install/confirm.html",
        manifest=manifest,
        region=manifest.region(region),
        home_site=home_site,
        own=own,
        warehouses=[platform().warehouses.manifest(name) for name in platform().warehouses.names()],
        wms_target=wms_target,
        address=here,
        error=error,
    )


@blueprint.post("/<cart>/install/begin")
@limited(INSTALL)
@fresh
@access.owner_only
def begin(cart: str) -> ResponseReturnValue:
    """Create the unfinished integration and go to the cart."""
    manifest = _cart(cart)
    region, home_site, wms_target = (request.form.get(key, "") for key in ("region", "home_site", "wms_target"))
    account_id = request.form.get("account_id", 0, type=int)
    access.choose_account(account_id)
    access.require_member(account_id)
    try:
        integration_id = connect.begin(
            platform(),
            cart=cart,
            region=region,
            scope=access.change_scope(),
            account_id=account_id,
            home_site=home_site,
            wms_target=wms_target,
        )
        outcome = _step(access.owned_integration(integration_id))
    except FlowError as error:
        return _confirm(manifest, region, home_site, wms_target, error), error.status
    return _follow(manifest, outcome)


@blueprint.get("/<cart>/login")
@limited(INSTALL)
@public
def login_leg(cart: str) -> ResponseReturnValue:
    """Where a cart may send the browser in the middle of its consent: Amazon's "OAuth Login URI" (Website
    Authorization Workflow)."""
    manifest = _cart(cart)
    return _answer(manifest, connect.pass_on) if is_signed_in() else _sign_in_again(manifest)


@blueprint.get("/<cart>/authorized")
@limited(INSTALL)
@public
def come_back(cart: str) -> ResponseReturnValue:
    """Where the cart sends the browser back to with the merchant's answer.

    The one GET that changes something: what it may change is guarded by the cart's `state`, which is used once.
    """
    manifest = _cart(cart)
    return _answer(manifest, connect.come_back) if is_signed_in() else _sign_in_again(manifest)


@blueprint.post("/integrations/<int:integration_id>/setup/prove")
@limited(INSTALL)
@access.owner_only
def prove_again(integration_id: int) -> ResponseReturnValue:
    """**Try again**: the proof of who the seller is, with the authorization that was given already."""
    integration = access.owned_integration(integration_id)
    manifest = _cart(integration.cart)
    try:
        outcome = connect.prove_again(platform(), integration_id=integration.id, scope=access.change_scope())
    except FlowError as error:
        return _stopped(manifest, error)
    return _follow(manifest, outcome)


def _stopped(manifest: CartManifest, error: FlowError) -> ResponseReturnValue:
    if isinstance(error, AlreadyConnected):
        flash(f"{error.message} To renew its authorization, choose Reconnect there.", "warning")
        card = f"integration-{error.integration_id}"
        return redirect(url_for("integrations.view_integrations", _anchor=card), 303)
    again = error.integration_id if isinstance(error, NotProved) and error.again else None
    page = render_template("install/stopped.html", manifest=manifest, error=error.message, again=again)
    return page, error.status


def _sign_in_again(manifest: CartManifest) -> ResponseReturnValue:
    # Not carried through the sign-in: the address holds a code that belongs to the session that has ended.
    flash(
        f"Your sign-in ended while you were at {manifest.label}. Sign in, then choose Resume or Reconnect at the "
        "store.",
        "warning",
    )
    return redirect(url_for("auth.sign_in", next=url_for("integrations.view_integrations")))


def _answer(manifest: CartManifest, take: Callable[..., Step]) -> ResponseReturnValue:
    params = request.args.to_dict()
    try:
        outcome = take(platform(), cart=manifest.name, user_id=access.user().id, browser=browser(), params=params)
    except FlowError as error:
        return _stopped(manifest, error)
    return _follow(manifest, outcome)


@blueprint.post("/integrations/<int:integration_id>/setup/resume")
@limited(INSTALL)
@fresh
@access.owner_only
def resume(integration_id: int) -> ResponseReturnValue:
    """Go on with an unfinished integration, or reconnect one the cart has let go of."""
    integration = access.owned_integration(integration_id)
    manifest = _cart(integration.cart)
    try:
        outcome = _step(integration)
    except FlowError as error:
        return _stopped(manifest, error)
    return _follow(manifest, outcome)


@blueprint.post("/integrations/<int:integration_id>/setup/answer")
@limited(INSTALL)
@fresh
@access.owner_only
def answer(integration_id: int) -> ResponseReturnValue:
    """Take what the merchant typed into the fields the cart asked for."""
    integration = access.owned_integration(integration_id)
    manifest = _cart(integration.cart)
    given = request.form.to_dict()
    given.pop("csrf_token", None)
    try:
        outcome = _step(integration, given)
    except NotProved as error:
        return _stopped(manifest, error)
    except FlowError as error:
        return _ask_again(manifest, integration, error)
    return _follow(manifest, outcome)


def _ask_again(manifest: CartManifest, integration: Integration, error: FlowError) -> ResponseReturnValue:
    asked = _step(integration)
    if not isinstance(asked, Ask):
        return _stopped(manifest, error)
    form = form_class(asked.fields)({}, sent())
    form.validate()
    return _fields(manifest, asked, form.refuse(error)), error.status


@blueprint.route("/integrations/<int:integration_id>/setup", methods=["GET", "POST"])
@access.owner_only
def finish(integration_id: int) -> ResponseReturnValue:
    """The settings of a store that has just been connected, and **Finish Setup**."""
    integration = access.owned_integration(integration_id)
    if integration.state != IntegrationState.SETUP:
        return redirect(url_for("integrations.settings", integration_id=integration.id))
    if integration.seller_id is None:
        flash("This store is not connected yet. Choose Resume to go on.", "warning")
        return redirect(url_for("integrations.view_integrations"))
    return settings_page(integration, setup=True)


@blueprint.post("/integrations/<int:integration_id>/setup/discard")
@access.owner_only
def discard(integration_id: int) -> ResponseReturnValue:
    """Throw an unfinished integration away."""
    integration = access.owned_integration(integration_id)
    connect.discard_setup(platform(), integration_id=integration.id, scope=access.change_scope())
    flash("The unfinished setup was discarded.", "success")
    return redirect(url_for("integrations.view_integrations"), 303)


def _step(integration: Integration, params: dict[str, str] | None = None) -> Step:
    return connect.step(
        platform(),
        integration_id=integration.id,
        scope=access.change_scope(),
        user_id=access.user().id,
        browser=browser(),
        return_url=platform().config.public_url + url_for(".come_back", cart=integration.cart),
        params=params,
    )


def _follow(manifest: CartManifest, outcome: Step) -> ResponseReturnValue:
    if isinstance(outcome, GoTo):
        return render_template("install/leaving.html", manifest=manifest, url=outcome.url)
    if isinstance(outcome, Ask):
        return _fields(manifest, outcome, form_class(outcome.fields)({}))
    if outcome.setup_open:
        return redirect(url_for(".finish", integration_id=outcome.integration_id), 303)
    flash("The store is connected; what was waiting goes on by itself.", "success")
    return redirect(url_for("integrations.view_integrations"), 303)


def _fields(manifest: CartManifest, asked: Ask, form: DeclaredForm) -> str:
    return render_template(
        "install/fields.html",
        manifest=manifest,
        integration_id=asked.integration_id,
        message=asked.message,
        form=form,
    )
