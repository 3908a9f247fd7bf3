"""Fields a cart declares and the core draws, and the steps of connecting a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from plugins.types.values import Secret, require, require_utc


class FieldKind(StrEnum):
    """How the core draws and checks a declared field. YES_NO and BOX (a tick box) carry "yes" or "no", DATE
    an ISO day."""

    TEXT = "text"
    INTEGER = "integer"
    SECRET = "secret"
    CHOICE = "choice"
    YES_NO = "yes_no"
    BOX = "box"
    DATE = "date"
    URL = "url"
    SHOP_URL = "shop_url"


@dataclass(frozen=True)
class Field:
    """A declared form field, drawn, checked and stored by the core.

    Args:
        minimum, maximum: bounds of an INTEGER, inclusive; outside them the form is refused. Without a minimum it is 0.
        advised_minimum, advice: below it the value is accepted with `advice` shown as a warning.
        choices: (value, label) pairs of a CHOICE.
        max_length: the most characters of what is typed, 0 for 2,000 (since 2.1).
        environments: codes of the environments in which a platform URL's host may be called; empty for all (since 2.1).
        former_for: how long a platform SECRET's value before the last change may still be good (a rotation).
    """

    key: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    help: str = ""
    required: bool = True
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    advised_minimum: int | None = None
    advice: str = ""
    former_for: timedelta = timedelta(0)
    max_length: int = 0
    environments: tuple[str, ...] = ()


@dataclass(frozen=True)
class AskFields:
    """Ask the merchant for these before going on; they come back in `InstallReply.params`."""

    fields: tuple[Field, ...]
    message: str = ""


@dataclass(frozen=True)
class Redirect:
    """Send the merchant's browser away.

    The core adds its own `state` under `state_param` and the address to come back to under `return_param`
    (None: the cart has it registered elsewhere), so that a cart never handles either.
    """

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    state_param: str = "state"
    return_param: str | None = "redirect_uri"


@dataclass(frozen=True)
class InstallReply:
    """The reply of the browser (query or form fields, `state` already checked and removed), and the
    address the browser was told to come back to."""

    params: Mapping[str, str]
    return_url: str


@dataclass(frozen=True)
class SellerIdentity:
    """Who the store is at the cart and in which sites (marketplaces) it sells."""

    remote_id: str
    name: str
    sites: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(bool(self.remote_id), "a seller identity needs the cart's id")


@dataclass(frozen=True)
class Connected:
    """The store is connected.

    Args:
        credentials: opaque to the core, stored encrypted and handed to `mint_access_token`; a cart without that hook
            puts its key under "token".
        older_authorization: the cart says that the store also carries an authorization of the older generation.
    """

    identity: SellerIdentity
    credentials: Mapping[str, Secret]
    legacy_authorization: bool = False


@dataclass(frozen=True)
class AccessToken:
    """A short-lived token and when it ends (UTC)."""

    value: Secret
    expires_at: datetime

    def __post_init__(self) -> None:
        require_utc("expires_at", self.expires_at)
