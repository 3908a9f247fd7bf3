"""Names of the acts the audit log tells of. Rows hold the values, so they stay as they are."""

from __future__ import annotations

from enum import StrEnum


class Act(StrEnum):
    """Name what was done."""

    SIGNED_IN = "sign_in"
    SIGN_IN_REFUSED = "sign_in.refused"
    SIGNED_OUT = "sign_out"
    SESSIONS_ENDED = "sessions.end"
    PASSWORD_CHANGED = "password.change"
    PASSWORD_REFUSED = "password.refused"
    LINK_MADE = "link.make"
    SECOND_FACTOR_SET = "second_factor.set"
    SECOND_FACTOR_REFUSED = "second_factor.refused"
    SECOND_FACTOR_REMOVED = "second_factor.remove"
    RECOVERY_CODES_MADE = "second_factor.codes"

    ACCOUNT_CREATED = "account.create"
    USER_CREATED = "user.create"
    USER_ENABLED = "user.enable"
    USER_DISABLED = "user.disable"
    USER_UNLOCKED = "user.unlock"
    ROLE_CHANGED = "user.role"

    SETTINGS_CHANGED = "settings.change"
    CONNECTED = "integration.connect"
    DISCONNECTED = "integration.disconnect"
    CART_CHANGED = "cart.change"
    WAREHOUSE_CHANGED = "warehouse.change"
    MAPPING_ADDED = "mapping.add"
    MAPPING_REMOVED = "mapping.remove"
    LATENCY_CHANGED = "latency.change"
    CARRIER_CODE_CHANGED = "carrier_code.change"

    CASE_CLOSED = "case.close"
    TASK_RETRIED = "task.retry"
    SUBMISSION_ENDED = "submission.end"

    BUYER_CHANGED = "buyer.change"
    BUYER_SHOWN = "buyer.show"
    EXPORTED = "export"
    PROVED = "user.prove"
    PROOF_REFUSED = "user.prove.refused"
    PIN_SET = "pin.set"
    PIN_RESET = "pin.reset"
    PIN_REFUSED = "pin.refused"
    STATION_BEGUN = "station.begin"
    STATION_PERSON = "station.person"
    MEMBER_ROLE_CHANGED = "member.role"
    MEMBER_REMOVED = "member.remove"
    ACCESS_REVIEWED = "access.review"
    ORDER_KEPT = "order.keep"
    PERIODS_CHANGED = "periods.change"
    BUYER_FORGOTTEN = "buyer.forget"
    ACCOUNT_FORGOTTEN = "account.forget"

    KEY_ADDED = "keys.add"
    KEYS_ROTATED = "keys.rotate"
