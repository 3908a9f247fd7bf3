"""The store a call is about, and its items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plugins.types.values import Secret


@dataclass(frozen=True)
class Store:
    """The connected store a call is about; `remote_id` is None until it is connected, `home_site` may be known before
    (the merchant's country, asked together with the region)."""

    remote_id: str | None
    region: str
    sites: tuple[str, ...] = ()
    home_site: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlatformSettings:
    """A cart's platform-wide settings as an admin typed them; secrets are `Secret`s.

    `former` has the values that secrets had before their last change, as long as their fields say
    (`Field.former_for`).
    """

    environment: str
    values: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    former: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedItem:
    """A row of the cart's own item list."""

    sku: str
    title: str = ""
    remote_id: str = ""


@dataclass(frozen=True)
class ItemPage:
    """One page of the cart's items; `next_page` None on the last."""

    items: tuple[ListedItem, ...]
    next_page: str | None = None


@dataclass(frozen=True)
class NotListed:
    """The cart cannot list its items; `message` says so to the merchant. No call was made."""

    message: str
