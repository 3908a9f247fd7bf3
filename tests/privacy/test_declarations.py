"""Each column that holds something of a buyer says how it ends, and that is where purge and `forget` look."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from is2_core.db.metadata import metadata
from is2_core.db.ownership import Erased, blanked, buyers_columns, of_buyer
from is2_core.db.reseal import sealed_columns
from is2_core.db.types import UtcTime
from is2_core.orders.models import ReceivedOrder
from is2_core.privacy.erasing import path_to

ORDERS = ReceivedOrder.__table__

# Sealed, and of no buyer: secrets of ours, of carts, of warehouses and of people who sign in here.
SECRETS = {
    "audit_chain.anchor",
    "audit_chain.head",
    "audit_chain.key",
    "cart_setting.former",
    "cart_setting.secrets",
    "credential.access_token",
    "credential.credentials",
    "deletion_key.value",
    "key_canary.value",
    "seller_claim.credentials",
    "user_account.totp_secret",
    "warehouse_setting.secrets",
}


@pytest.mark.unit
def test_a_sealed_column_says_how_it_ends_or_is_a_secret() -> None:
    undeclared = {str(column) for column in sealed_columns(metadata) if not column.info.get("erased")}
    assert undeclared - SECRETS == set(), "declare it with of_buyer, or name it among the secrets"


@pytest.mark.unit
def test_what_is_declared_is_where_purge_and_forget_find_it() -> None:
    for table in metadata.sorted_tables:
        for column in table.columns:
            assert bool(column.info.get("pii")) == bool(column.info.get("erased")), f"{column} does not say how it ends"
        if buyers_columns(table, Erased.WITH_ORDER):
            assert path_to(ORDERS, table) is not None, f"{table} leads to no order"
        for column in buyers_columns(table, Erased.BY_AGE):
            assert isinstance(table.c[column.info["written"]].type, UtcTime) and column.nullable
        # What the warehouse in this database forgets.
        if buyers_columns(table, Erased.AT_WAREHOUSE):
            assert table.name in ("warehouse_order", "warehouse_file"), "have the warehouse's `forget` erase it"


@pytest.mark.unit
def test_erased_is_empty_whatever_the_column() -> None:
    table = sa.Table(
        "some",
        sa.MetaData(),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("flag", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.Text, nullable=True),
    )
    assert blanked(table.columns) == {"text": "", "flag": False, "sealed": None}
    with pytest.raises(TypeError):
        of_buyer("a name")
    with pytest.raises(TypeError):
        of_buyer("a name", Erased.BY_AGE)
