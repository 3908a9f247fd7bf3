"""The audit log: who did what, when and from where. Rows are added in the unit of work of what they tell."""

from is2_core.audit.actor import Actor, acting, become, current_actor
from is2_core.audit.acts import Act
from is2_core.audit.record import record, record_change

__all__ = ["Act", "Actor", "acting", "become", "current_actor", "record", "record_change"]
