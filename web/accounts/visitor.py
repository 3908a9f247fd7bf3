"""From where somebody signs in: the address, and the devices that were signed in on before.

A device keeps a cookie for a year, signed, that names the last people who signed in on it with all that is asked for.
It signs nobody in: tries on a known device are counted by themselves, so that strangers lock nobody out of it.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer

from is2_core.accounts.signing_in.lockout import Device, Visitor
from web.access import platform
from web.limits.limiter import caller_address

_KEPT = timedelta(days=365)
# A packing bay's browser has many people; a cookie takes 4 kB.
_MOST = 30


def visitor() -> Visitor:
    """Return from where this request comes."""
    return Visitor("" if platform().config.hides_addresses else caller_address(), _devices())


def know_device(user_id: int, epoch: int) -> None:
    """Have this device known as one that a person signs in on.

    Args:
        epoch: the user's `device_epoch`.
    """
    found = _devices()
    known = next((each for each in found if (each.user_id, each.epoch) == (user_id, epoch)), None)
    device = known or Device(user_id, epoch, secrets.token_urlsafe(12))
    devices = [device, *(each for each in found if each.user_id != user_id)][:_MOST]
    value = _signer().dumps([[each.user_id, each.epoch, each.name] for each in devices])

    @after_this_request
    def keep(response: Response) -> Response:
        response.set_cookie(
            _cookie_name(),
            value,
            max_age=_KEPT,
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
            httponly=True,
            samesite="Lax",
        )
        return response


def _devices() -> tuple[Device, ...]:
    try:
        entries = _signer().loads(request.cookies.get(_cookie_name(), ""), max_age=int(_KEPT.total_seconds()))
    except BadData:
        return ()
    return tuple(Device(user_id, epoch, name) for user_id, epoch, name in entries)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="is2 known device")


def _cookie_name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device"
