"""The guard over every text a cart lets out: log lines, prints, and texts of its errors and results."""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import NamedTuple
from urllib.parse import quote

from plugins.conformance.faults import SPOKEN_NAME, SPOKEN_STREET
from plugins.conformance.side_channels import Watch
from plugins.interface import (
    AskFields,
    CartError,
    NotListed,
    OrderPage,
    OrderReject,
    Rejected,
    Secret,
    WriteReply,
)

# The kit's own HTTP client speaks through this logger.
_CLIENT = "urllib3"
_USUAL = frozenset(vars(logging.makeLogRecord({})))
_TOO_SHORT = 5


class Output(NamedTuple):
    """A text the cart let out; `where` names the place for its author."""

    where: str
    text: str


def outputs_of_error(hook: str, error: CartError) -> list[Output]:
    """Return the texts of an error that merchants, admins and logs see."""
    place = f"of the {type(error).__name__} that {hook} raised"
    return [
        Output(f"the message {place}", str(error)),
        Output(f"the detail {place}", error.detail),
        Output(f"the code {place}", error.code),
    ]


def outputs_of_result(hook: str, result: object) -> list[Output]:
    """Return the texts of a result that people read."""
    texts: list[tuple[str, str]] = []
    if isinstance(result, WriteReply):
        refused = [one for one in result.results.values() if isinstance(one, Rejected)]
        texts = [("a Rejected", text) for one in refused for text in (one.code, one.message)]
    if isinstance(result, OrderPage):
        texts = [("an OrderReject", text) for one in result.rejects for text in (one.code, one.message)]
        texts.append(("the notice", result.notice))
    if isinstance(result, OrderReject | NotListed):
        texts = [(f"the {type(result).__name__}", result.message)]
    if isinstance(result, AskFields):
        texts = [("AskFields", result.message)]
        texts += [(f"field {field.key}", text) for field in result.fields for text in (field.default, field.help)]
    return [Output(f"{what} of {hook}", text) for what, text in texts]


@contextmanager
def listening(hook: str, outputs: list[Output], watch: Watch) -> Iterator[None]:
    """Keep what is logged and printed during a hook."""
    root, client = logging.getLogger(), logging.getLogger(_CLIENT)
    ear, printed, levels = _Ear(hook, outputs, watch), io.StringIO(), (root.level, client.level)
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    client.setLevel(logging.WARNING)
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            yield
    finally:
        root.setLevel(levels[0])
        client.setLevel(levels[1])
        root.removeHandler(ear)
        if printed.getvalue():
            outputs.append(Output(f"a print of {hook}", printed.getvalue()))
            sys.stdout.write(printed.getvalue())


class _Ear(logging.Handler):
    """Keeps what the threads at work for a hook log: others belong to the shop."""

    def __init__(self, hook: str, outputs: list[Output], watch: Watch) -> None:
        super().__init__(logging.DEBUG)
        self._where = f"a log line of {hook}"
        self._outputs = outputs
        self._watch = watch
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, with its traceback and its extra fields."""
        if self._watch.is_own() and record.name.partition(".")[0] != _CLIENT:
            extra = {name: value for name, value in vars(record).items() if name not in _USUAL}
            self._outputs.append(Output(self._where, f"{self.format(record)} {extra}"))


def check_nothing_is_given_away(outputs: Iterable[Output], hidden: Iterable[Secret | str]) -> None:
    """Check that no text holds a secret, a personal text, or the page the kit puts in the place of an answer.

    Raises:
        AssertionError: one does; the text tells which.
    """
    # Keys first: the page shows the request's headers, and a key in it is worth more words than the page.
    kinds = sorted({*hidden, SPOKEN_NAME, SPOKEN_STREET}, key=lambda one: isinstance(one, str))
    found = [(said, one) for said in dict.fromkeys(outputs) for one in kinds if holds(said.text, one)]
    if found:
        said, one = found[0]
        more = len({other for other, _ in found}) - 1
        raise AssertionError(
            f"{said.where} gives away {_named(one)}: merchants, admins and log files get to read it, so leave it out"
            f"{f'; {more} more texts do the like' if more else ''}. It is:\n{said.text}"
        )


def _named(one: Secret | str) -> str:
    if isinstance(one, Secret):
        return "a key or a token"
    if one in (SPOKEN_NAME, SPOKEN_STREET):
        return "the shop's error page, which may show keys and a buyer's data"
    return "a buyer's data"


def holds(text: str, one: Secret | str) -> bool:
    """Whether a text holds a secret or a personal text."""
    if isinstance(one, Secret):
        # As it is, or as part of an address; a shorter one cannot be told from a word.
        return len(one.value) >= _TOO_SHORT and (one.value in text or quote(one.value, safe="") in text)
    # A postal code must not be found inside of an order number.
    return bool(one) and one in text and bool(re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", text))
