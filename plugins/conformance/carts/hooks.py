"""Calls the hooks of the cart under test as the core does, and listens to what it says meanwhile."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pluggy

from plugins import interface
from plugins.conformance import side_channels
from plugins.conformance.carts.reading import check_orders, refusals
from plugins.conformance.leak_guard import Output, listening, outputs_of_error, outputs_of_result
from plugins.interface import (
    PROJECT,
    AccessToken,
    AskFields,
    CartError,
    CartManifest,
    Connected,
    Customization,
    ItemPage,
    NotListed,
    NotRead,
    Order,
    OrderPage,
    OrderReject,
    RateLimited,
    Redirect,
    SellerIdentity,
    ShippingMappingUI,
    ShownInventory,
    WriteReply,
)

NEEDED = ("cart_manifest", "install", "fetch_orders")
WRITES = {"acknowledge_orders": "acknowledgements", "push_inventory": "quantities", "post_tracking": "packages"}
"""The writing hooks, each with the name of the argument that holds its entries."""

_RETURNS: dict[str, tuple[type, ...]] = {
    "cart_manifest": (CartManifest,),
    "install": (Redirect, AskFields, Connected),
    "check_connection": (SellerIdentity,),
    "prove_seller": (SellerIdentity,),
    "mint_access_token": (AccessToken,),
    "refresh_cart_items": (ItemPage, NotListed),
    "fetch_orders": (OrderPage,),
    "fetch_customization": (Customization,),
    "fetch_order": (Order, OrderReject, type(None)),
    "read_inventory": (Sequence,),
    "shipping_mapping_ui": (ShippingMappingUI,),
    "poll_submission": (WriteReply,),
    **dict.fromkeys(WRITES, (WriteReply,)),
}


class Hooks:
    """The hooks of one cart, by name.

    Args:
        outputs: every text the cart let out: log records, prints, texts of errors and results.
        refused: why types of the contract refused what the cart made of an order, the first first.
    """

    def __init__(self, plugin: object) -> None:
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(interface)
        manager.register(plugin)
        manager.check_pending()
        self._hook = manager.hook
        self.names = frozenset(caller.name for caller in manager.get_hookcallers(plugin) or [])
        self.modules = frozenset(
            implementation.function.__module__
            for name in self.names
            for implementation in getattr(manager.hook, name).get_hookimpls()
        )
        self.outputs: list[Output] = []
        self.refused: list[str] = []

    def call(self, hook: str, **arguments: Any) -> Any:
        """Call a hook and return its result.

        Raises:
            CartError: as the cart raised it.
            AssertionError: the cart broke the contract; the text tells how.
        """
        try:
            with side_channels.watched() as watch, listening(hook, self.outputs, watch), refusals(self.refused):
                result = getattr(self._hook, hook)(**arguments)
        except CartError as error:
            _check_ways(hook, watch)
            self.outputs += outputs_of_error(hook, error)
            _check_error(hook, error)
            raise
        except Exception as error:
            _check_ways(hook, watch)
            raise AssertionError(
                f"{hook} raised {type(error).__name__}: {error}\nin {self._place(error)}. That is no CartError, so the "
                "merchant would read that something went wrong inside the integration. Say with a CartError of "
                "plugins.interface what is to happen next."
            ) from error
        _check_ways(hook, watch)
        expected = _RETURNS.get(hook)
        assert expected is None or isinstance(result, expected), (
            f"{hook} returned {type(result).__name__} in place of {' or '.join(kind.__name__ for kind in expected)}"
        )
        if hook == "read_inventory":
            assert all(isinstance(entry, ShownInventory | NotRead) for entry in result), (
                "read_inventory returned something that is neither ShownLevel nor NotRead"
            )
        check_orders(hook, result)
        self.outputs += outputs_of_result(hook, result)
        return result

    def _place(self, error: Exception) -> str:
        """The innermost line of the cart that an error passed through."""
        files = {name: Path(sys.modules[name].__file__ or "") for name in self.modules}
        homes = tuple(str(file.parent if "." in name else file) for name, file in files.items())
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename.startswith(homes)]
        frame = (own or frames)[-1]
        return f"{frame.name}, {frame.filename}:{frame.lineno}"


def _check_ways(hook: str, watch: side_channels.Watch) -> None:
    complaint = watch.complaint(hook)
    assert not complaint, complaint


def _check_error(hook: str, error: CartError) -> None:
    assert isinstance(error.message, str) and error.message.strip(), (
        f"{hook} raised {type(error).__name__} without a message; the merchant reads it"
    )
    if isinstance(error, RateLimited):
        offset = error.until.utcoffset()
        assert offset == timedelta(0), f"{hook} raised RateLimited with until={error.until!r}; it must be aware UTC"
