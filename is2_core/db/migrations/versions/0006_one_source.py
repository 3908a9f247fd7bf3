"""one source for every fact: names, ciphertexts bound to their rows, times that know when they were set

One function a subject, called from upgrade() and, in the opposite order, from downgrade().
"""

from __future__ import annotations

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""


def downgrade() -> None:
    """Take back."""
