"""Hooks a cart does not have."""

from __future__ import annotations

import pytest

from plugins.conformance.carts.hooks import Hooks


def needs(hooks: Hooks, hook: str) -> None:
    """Skip a test of a hook that the cart leaves out, which it may."""
    if hook not in hooks.names:
        pytest.skip(f"no {hook} hook: a capability it lacks")
