"""Roles of people, and states of an integration."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A user's role on the platform; a merchant's rights come from memberships."""

    MERCHANT = "merchant"
    WAREHOUSE = "warehouse"
    SUPPORT = "support"
    ADMIN = "admin"


class MemberRole(StrEnum):
    """A user's role in an account."""

    OWNER = "owner"
    MEMBER = "member"


class Step(StrEnum):
    """A thing asked of somebody whose password was right: a code of the second factor, to set one up, or another
    password, as the present one is too old."""

    CODE = "code"
    ENROLMENT = "enrolment"
    NEW_PASSWORD = "new_password"


class IntegrationState(StrEnum):
    """SETUP: not finished, can be resumed. PAUSED: waits for a person (reconnect, or correct a setting).
    DISCONNECTED: ended by a person, its credentials are gone; can be reconnected in place."""

    SETUP = "SETUP"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    DISCONNECTED = "DISCONNECTED"


# They see every account.
READS_ALL: Final = (Role.ADMIN, Role.SUPPORT)
# They see what the warehouse has to do; the second change it.
SEES_WAREHOUSE: Final = (Role.WAREHOUSE, Role.SUPPORT, Role.ADMIN)
WORKS_IN_WAREHOUSE: Final = (Role.WAREHOUSE, Role.ADMIN)

WAITS_FOR_A_PERSON: Final = (IntegrationState.PAUSED, IntegrationState.DISCONNECTED)
CONNECTED: Final = (IntegrationState.ACTIVE, IntegrationState.PAUSED)
# Nothing of the seller is read: another integration may take the seller over.
NOT_CONNECTED: Final = (IntegrationState.SETUP, IntegrationState.DISCONNECTED)
