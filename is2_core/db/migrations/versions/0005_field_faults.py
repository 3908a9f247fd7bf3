"""what the faults found in the field need: only additions, so that processes of the release before go on"""

from __future__ import annotations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _add_proof_of_seller()
    _add_accepted_units()
    _add_heartbeat()
    _add_people()


def downgrade() -> None:
    """Take back."""
    _drop_people()
    _drop_heartbeat()
    _drop_accepted_units()
    _drop_proof_of_seller()


def _add_proof_of_seller() -> None:
    pass


def _drop_proof_of_seller() -> None:
    pass


def _add_accepted_units() -> None:
    pass


def _drop_accepted_units() -> None:
    pass


def _add_heartbeat() -> None:
    pass


def _drop_heartbeat() -> None:
    pass


def _add_people() -> None:
    pass


def _drop_people() -> None:
    pass
