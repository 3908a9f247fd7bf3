"""the gate: what people, purge, limits and the audit log store

One function a subject, called from upgrade() and, in the opposite order, from downgrade(). Only additions, so that
processes of the release before go on.
"""

from __future__ import annotations

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""


def downgrade() -> None:
    """Take back."""
