"""Tiny proves itself by the conformance kit."""

from tests.carts.tiny_conformance import TinyConformance


class TestTiny(TinyConformance):
    """Every check of the kit."""
