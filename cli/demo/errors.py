"""Errors of a demo, apart from a difference between the two sides."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot go on; the text says where it stopped."""


class BadFile(DemoError):
    """The file given with --orders cannot be used."""


class Refused(DemoError):
    """The panel refused an action; the text is its reason."""
