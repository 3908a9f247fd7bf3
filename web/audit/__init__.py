"""The audit log: who asks, and the page that shows it."""
