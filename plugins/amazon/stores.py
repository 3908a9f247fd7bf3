"""Facts of a connected store that the cart needs: its seller id, its marketplaces, and whether it is sold from afar."""

from __future__ import annotations

from plugins.amazon.regions import known_sites, region_of
from plugins.interface import SettingsError, Store


def seller_of(store: Store) -> str:
    """The selling partner id.

    Raises:
        SettingsError: the store is not connected.
    """
    if store.remote_id is None:
        raise SettingsError("This store is not connected to Amazon yet.", code="NOT_CONNECTED", may_pass=False)
    return store.remote_id


def remote_fulfillment(store: Store) -> bool:
    """The option Remote Fulfillment With FBA."""
    return store.settings.get("remote_fulfillment") == "yes"


def sites_of(store: Store) -> tuple[str, ...]:
    """The store's retail marketplaces, the home marketplace first.

    Raises:
        SettingsError: there are none.
    """
    sites = known_sites(region_of(store.region), [*store.sites, store.home_site])
    if not sites:
        raise SettingsError("Choose the home marketplace of this store.", code="NO_MARKETPLACE", may_pass=False)
    return tuple(sorted(sites, key=lambda site: site != store.home_site))


def stock_sites(store: Store) -> tuple[str, ...]:
    """The marketplaces whose stock is read and written: all, or home alone under Remote Fulfillment With FBA."""
    sites = sites_of(store)
    return sites[:1] if remote_fulfillment(store) else sites
