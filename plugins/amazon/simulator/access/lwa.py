"""Login with Amazon: `POST /auth/o2/token`."""

import hmac
import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from plugins.amazon.simulator.access.applications import Application
from plugins.amazon.simulator.access.grants import TOKEN_LIFE, Grants
from plugins.amazon.simulator.clock import Clock
from plugins.amazon.simulator.messages import Request, Response, json_response
from plugins.amazon.simulator.operations import NOTIFICATIONS_SCOPE, ROTATION_SCOPE

GRANTLESS_SCOPES = (NOTIFICATIONS_SCOPE, ROTATION_SCOPE)


class TokenError(Exception):
    """An OAuth error answer."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description


class LoginWithAmazon:
    """Exchanges codes, refresh tokens and client credentials for access tokens."""

    def __init__(self, grants: Grants, applications: Mapping[str, Application], clock: Clock) -> None:
        self._grants = grants
        self._clock = clock
        self._applications = applications

    def token(self, request: Request) -> Response:
        """Answer one call of the token endpoint, errors included (reference: "Connect to the SP-API")."""
        try:
            payload = self._grant(request)
        except TokenError as problem:
            return oauth_error(problem.status, problem.error, problem.description)
        return _unstored(json_response(200, payload))

    def _grant(self, request: Request) -> dict[str, object]:
        if request.method != "POST":
            raise TokenError(405, "invalid_request", "The token endpoint answers POST only")
        form = self._form(request)
        grant_type = _needed(form, "grant_type")
        issue = {
            "authorization_code": self._from_code,
            "refresh_token": self._from_refresh_token,
            "client_credentials": self._grantless,
        }.get(grant_type)
        if issue is None:
            raise TokenError(
                400,
                "unsupported_grant_type",
                "The authorization grant type is not supported by the authorization server",
            )
        return issue(form, self._client(form))

    @staticmethod
    def _form(request: Request) -> dict[str, str]:
        if request.query:
            raise TokenError(400, "invalid_request", "Parameters belong in the body of the request, not in its address")
        text = request.body.decode("utf-8", "replace")
        # Amazon's page names the form only; clients in wide use send JSON, and are answered.
        if request.content_type == "application/json":
            return _json_form(text)
        if request.content_type != "application/x-www-form-urlencoded":
            raise TokenError(400, "invalid_request", "The Content-Type must be application/x-www-form-urlencoded")
        pairs = parse_qsl(text, keep_blank_values=True)
        form = dict(pairs)
        if len(form) != len(pairs):
            raise TokenError(400, "invalid_request", "The request includes a parameter more than once")
        return form

    def _client(self, form: Mapping[str, str]) -> Application:
        client_id, secret = _needed(form, "client_id"), _needed(form, "client_secret")
        now = self._clock.now()
        for application in self._applications.values():
            if application.client_id == client_id and any(
                hmac.compare_digest(secret.encode(), known.encode()) for known in application.valid_secrets(now)
            ):
                return application
        raise TokenError(401, "invalid_client", "Client authentication failed")

    def _from_code(self, form: Mapping[str, str], application: Application) -> dict[str, object]:
        seller = self._grants.redeem(_needed(form, "code"), application.id, form.get("redirect_uri"))
        if seller is None:
            raise TokenError(400, "invalid_grant", "The request has an invalid grant parameter : code")
        return self._bearer(
            self._grants.new_access_token(application.id, seller),
            self._grants.new_refresh_token(application.id, seller),
        )

    def _from_refresh_token(self, form: Mapping[str, str], application: Application) -> dict[str, object]:
        token = _needed(form, "refresh_token")
        seller = self._grants.refresh_owner(token, application.id)
        if seller is None:
            raise TokenError(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
        return self._bearer(self._grants.new_access_token(application.id, seller), token)

    def _grantless(self, form: Mapping[str, str], application: Application) -> dict[str, object]:
        scope = _needed(form, "scope")
        if scope not in GRANTLESS_SCOPES:
            raise TokenError(400, "invalid_scope", f"The request has an invalid scope parameter : {scope}")
        return self._bearer(self._grants.new_access_token(application.id, None, scope))

    @staticmethod
    def _bearer(access_token: str, refresh_token: str | None = None) -> dict[str, object]:
        payload: dict[str, object] = {
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": int(TOKEN_LIFE.total_seconds()),
        }
        return payload | ({"refresh_token": refresh_token} if refresh_token else {})


def _json_form(text: str) -> dict[str, str]:
    try:
        form = json.loads(text)
    except ValueError:
        form = None
    if not isinstance(form, dict) or not all(isinstance(value, str) for value in form.values()):
        raise TokenError(400, "invalid_request", "The body is no JSON object of texts")
    return form


def oauth_error(status: int, error: str, description: str) -> Response:
    """A refusal as RFC 6749 shapes it."""
    return _unstored(json_response(status, {"error": error, "error_description": description}))


def _unstored(answer: Response) -> Response:
    answer.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache"})
    return answer


def _needed(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise TokenError(400, "invalid_request", f"The request is missing a required parameter : {name}")
    return form[name]
