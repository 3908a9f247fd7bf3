"""Seller Central's consent pages ("Website Authorization Workflow"), one sign-in and one decision at a time."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from plugins.amazon.simulator.access.applications import Application
from plugins.amazon.simulator.access.grants import Grants
from plugins.amazon.simulator.access.marketplaces import BY_COUNTRY, Marketplace
from plugins.amazon.simulator.access.sellers import Seller
from plugins.amazon.simulator.messages import Request, Response
from plugins.amazon.simulator.pages import page, problem, redirect

BOXES = {
    "agree_roles": "I give this application access to my data and actions under the roles listed above.",
    "agree_data": "I understand that the developer may receive personal information of my customers.",
    "agree_terms": "I direct Amazon to share my data with this developer and accept the terms of the authorization.",
}


@dataclass
class Visit:
    """One seller's way through the pages; the keys of `Consent._visits` are unguessable."""

    application: Application
    country: str
    state: str
    redirect_uri: str
    beta: bool
    seller: Seller | None = None
    agreed: bool = False


class Consent:
    """The pages under `/sellercentral/{country}/apps/authorize/`."""

    def __init__(
        self,
        grants: Grants,
        applications: Mapping[str, Application],
        sellers: Mapping[str, Seller],
        rng: random.Random,
        base_url: str,
    ) -> None:
        self._grants = grants
        self._applications = applications
        self._sellers = sellers
        self._rng = rng
        self._base_url = base_url.rstrip("/")
        self._visits: dict[str, Visit] = {}

    def handle(self, request: Request, country: str, step: str) -> Response:
        """Answer a page; `step` is consent, sign-in, decision or confirm."""
        place = BY_COUNTRY.get(country)
        if place is None:
            return problem(404, "Page not found", f"There is no Seller Central for “{country}”.")
        steps = {
            ("GET", "consent"): self._open,
            ("POST", "sign-in"): self._sign_in,
            ("GET", "decision"): self._show_decision,
            ("POST", "decision"): self._decide,
            ("GET", "confirm"): self._confirm,
        }
        answer = steps.get((request.method, step))
        if answer is None:
            return problem(404, "Page not found", "This address leads nowhere.")
        return answer(request, place)

    def _open(self, request: Request, place: Marketplace) -> Response:
        query = request.query
        application = self._applications.get(query.get("application_id", ""))
        if application is None:
            return problem(400, "Application not found", "application_id names no registered application.")
        beta = query.get("version") == "beta"
        if application.draft and not beta:
            return problem(
                400,
                "Application is a draft",
                f"{application.name} is in the Draft state: its authorization address needs version=beta.",
                "MD1000",
            )
        if not query.get("state"):
            return problem(400, "State is missing", "The authorization address carries no state parameter.")
        target = query.get("redirect_uri") or (application.redirect_uris[0] if application.redirect_uris else "")
        if "#" in target:
            return problem(400, "Redirect URI is not usable", "A redirect URI must not contain #.", "MD5110")
        if not application.allows_redirect(target):
            return problem(
                400, "Redirect URI is not registered", f"“{target}” is not registered for {application.name}.", "MD5101"
            )
        key = f"{self._rng.getrandbits(160):040x}"
        self._visits[key] = Visit(application, place.country.lower(), query["state"], target, beta)
        sellers = [seller for seller in self._sellers.values() if seller.region == place.region]
        return page("sign_in.html", visit=key, place=place, application=application, sellers=sellers, problem=None)

    def _sign_in(self, request: Request, place: Marketplace) -> Response:
        form = _form(request)
        visit = self._visits.get(form.get("visit", ""))
        if visit is None:
            return _gone()
        seller = self._sellers.get(form.get("seller", ""))
        if seller is None or seller.region != place.region:
            sellers = [each for each in self._sellers.values() if each.region == place.region]
            return page(
                "sign_in.html",
                400,
                visit=form["visit"],
                place=place,
                application=visit.application,
                sellers=sellers,
                problem="Choose the seller account to sign in with.",
            )
        visit.seller = seller
        return redirect(f"{self._address(visit, 'decision')}?{urlencode({'visit': form['visit']})}")

    def _show_decision(self, request: Request, place: Marketplace) -> Response:
        visit = self._visits.get(request.query.get("visit", ""))
        if visit is None or visit.seller is None:
            return _gone()
        return self._decision_page(request.query["visit"], visit)

    def _decision_page(self, key: str, visit: Visit, status: int = 200, problem: str | None = None) -> Response:
        return page(
            "consent.html",
            status,
            visit=key,
            country=visit.country,
            application=visit.application,
            seller=visit.seller,
            boxes=BOXES,
            problem=problem,
        )

    def _decide(self, request: Request, place: Marketplace) -> Response:
        form = _form(request)
        key = form.get("visit", "")
        visit = self._visits.get(key)
        if visit is None or visit.seller is None:
            return _gone()
        if form.get("action") == "cancel":
            del self._visits[key]
            return _back(visit.redirect_uri, {"state": visit.state, "error": "access_denied"})
        if form.get("action") != "next":
            return self._decision_page(key, visit, 400, "Press Next or Cancel.")
        if not all(form.get(box) for box in BOXES):
            return self._decision_page(key, visit, 400, "Tick every box before you press Next.")
        visit.agreed = True
        if visit.application.login_uri is None:
            return self._finish(key, visit)
        leg = {
            "amazon_callback_uri": f"{self._base_url}{self._address(visit, 'confirm')}",
            "amazon_state": key,
            "selling_partner_id": visit.seller.id,
        }
        return _back(visit.application.login_uri, leg | ({"version": "beta"} if visit.application.draft else {}))

    def _confirm(self, request: Request, place: Marketplace) -> Response:
        """The application's own sign-in is done: it comes back with Amazon's state and a state of its own."""
        key = request.query.get("amazon_state", "")
        visit = self._visits.get(key)
        if visit is None or not visit.agreed:
            return problem(
                400, "Unknown amazon_state", "amazon_state is not the one that was sent, or it was used before."
            )
        if visit.application.draft and request.query.get("version") != "beta":
            return problem(400, "Application is a draft", "The callback of a draft needs version=beta.", "MD1000")
        if not request.query.get("state"):
            return problem(400, "State is missing", "The callback carries no state of the application.")
        target = request.query.get("redirect_uri") or visit.redirect_uri
        if not visit.application.allows_redirect(target):
            return problem(400, "Redirect URI is not registered", f"“{target}” is not registered.", "MD5101")
        visit.state, visit.redirect_uri = request.query["state"], target
        return self._finish(key, visit)

    def _finish(self, key: str, visit: Visit) -> Response:
        assert visit.seller is not None
        del self._visits[key]
        application = visit.application
        code = self._grants.consent(application.id, visit.seller.id, visit.redirect_uri, application.roles)
        answer = {"state": visit.state, "selling_partner_id": visit.seller.id, "spapi_oauth_code": code}
        if visit.seller.older_token:
            answer["mws_auth_token"] = f"amzn.mws.{self._rng.getrandbits(128):032x}"
        return _back(visit.redirect_uri, answer)

    @staticmethod
    def _address(visit: Visit, step: str) -> str:
        return f"/sellercentral/{visit.country}/apps/authorize/{step}"


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _back(uri: str, parameters: dict[str, str]) -> Response:
    joint = "&" if urlsplit(uri).query else "?"
    return redirect(f"{uri}{joint}{urlencode(parameters)}")


def _gone() -> Response:
    return problem(400, "Start again", "This authorization is finished or unknown. Start again in the application.")
