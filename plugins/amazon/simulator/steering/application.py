"""Steering of the application's registration, as a developer's console shows it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from plugins.amazon.simulator.access.applications import Application
from plugins.amazon.simulator.clock import iso
from plugins.amazon.simulator.operations import KNOWN_ROLES
from plugins.amazon.simulator.state import State
from plugins.amazon.simulator.steering import given

_CHECKS: dict[str, Callable[[Any, str], object]] = {
    "redirect_uris": given.texts,
    "login_uri": lambda value, name: value is None or given.text(value, name),
    "draft": given.flag,
    "roles": lambda value, name: given.texts(value, name, KNOWN_ROLES),
    "secrets": given.texts,
    "name": given.text,
    "local_panels": given.flag,
    "rotation_notices": given.flag,
}
_WEEK_S = 7 * 86400


def only_application(state: State) -> Application:
    """The one registered application."""
    return next(iter(state.applications.values()))


def shown(state: State) -> dict[str, Any]:
    """The registration. `secret` is the newest one: it stands for the queue that Amazon sends a new secret to;
    `secret_valid_until` is null for one whose age is not known because steering set it."""
    application = only_application(state)
    *former, newest = application.secrets
    deadline = application.expiring.get(newest)
    return {
        "application_id": application.id,
        "client_id": application.client_id,
        "redirect_uris": application.redirect_uris,
        "login_uri": application.login_uri,
        "draft": application.draft,
        "roles": application.roles,
        "rotation_notices": application.rotation_notices,
        "secret": newest,
        "secret_valid_until": iso(deadline) if deadline else None,
        "expiring_secrets": [
            {"secret": secret, "valid_until": iso(application.expiring[secret])}
            for secret in former
            if secret in application.expiring
        ],
    }


def change(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """Change the registration. Keys: rotate_secret, with old_valid_s seconds (a week when not given) for which those
    before it stay valid, and any of the registration's fields.

    Raises:
        ValueError: a key that an application does not have, a value it cannot have, or a secret that is no new one;
            then nothing has changed.
    """
    fields = dict(body)
    secret, old_valid_s = fields.pop("rotate_secret", None), fields.pop("old_valid_s", None)
    given.only(fields, "an application", _CHECKS)
    if old_valid_s is not None and secret is None:
        raise ValueError("old_valid_s goes with rotate_secret")
    if "secrets" in fields and (secret is not None or not fields["secrets"]):
        raise ValueError("secrets must name one at least, and does not go with rotate_secret")
    for name, value in fields.items():
        _CHECKS[name](value, name)
    application = only_application(state)
    if secret is not None:
        seconds = given.number(_WEEK_S if old_valid_s is None else old_valid_s, "old_valid_s", most=given.YEAR_S)
        now = state.clock.now()
        application.rotate(given.text(secret, "rotate_secret"), now, now + timedelta(seconds=seconds))
    for name, value in fields.items():
        setattr(application, name, value)
    if "secrets" in fields:
        application.expiring = {}
    return shown(state)
