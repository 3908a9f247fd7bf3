"""Log lines: one format for all processes, secrets and e-mail addresses removed."""

from __future__ import annotations

import logging
import re

_PATTERNS = (
    (re.compile(r"\bAtz[ar]\|[^\s\"']+"), "[token]"),
    (
        re.compile(r"(?i)\b(authorization|x-amz-access-token|api[-_]?key|client_secret|password)(\W{1,3})\S+"),
        r"\1\2[…]",
    ),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[e-mail]"),
)


def redact(text: str) -> str:
    """The text without anything that looks like a token, a secret or an e-mail address."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Formats, then redacts the whole line, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def configure_logging(level: str) -> None:
    """Log to standard error at `level`."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # It tells each time that it looks at the revision, which every process does at its start.
    logging.getLogger("alembic").setLevel(logging.WARNING)
