"""Roles of people, and states of an integration."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a user is on the platform; a merchant's rights come from memberships."""

    MERCHANT = "merchant"
    WAREHOUSE = "warehouse"
    SUPPORT = "support"
    ADMIN = "admin"


class MemberRole(StrEnum):
    """What a user is in an account."""

    OWNER = "owner"
    MEMBER = "member"


class IntegrationState(StrEnum):
    """SETUP: not finished, can be resumed. PAUSED: waits for a person (reconnect, or correct a setting).
    DISCONNECTED: ended by a person, its credentials are gone; can be reconnected in place."""

    SETUP = "SETUP"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    DISCONNECTED = "DISCONNECTED"


WAITS_FOR_A_PERSON = (IntegrationState.PAUSED, IntegrationState.DISCONNECTED)
