"""Combining the reports of a submission's feeds into one result for each of its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from plugins.amazon.feeds.reports import MessageError, ProcessingReport
from plugins.interface import Applied, Rejected, Result, Retry, Temporary

_WEIGHTS: Mapping[type[Result], int] = {Retry: 0, Applied: 1, Rejected: 2}

Explain = Callable[[MessageError], Rejected]


def results_of(
    report: ProcessingReport, messages: Sequence[int], send_again: datetime, explain: Explain
) -> dict[int, Result]:
    """One result per message of a finished feed.

    The counts of errors need not agree with the list: Amazon may accept a message and list an error of it, which is
    then a refusal. Where more are counted than listed, the messages not listed are sent again, since nobody can tell
    which of them were applied. Neither may keep a store waiting for a report that never changes.

    Raises:
        Temporary: the report is about another number of messages, or about one that was not sent.
    """
    if report.whole_file_error() is not None:
        # Nothing in it says which message is at fault, so none of them may be given up.
        return {number: Retry(send_again) for number in messages}
    errors = report.by_message()
    strange = errors.keys() - set(messages)
    if report.processed != len(messages) or strange:
        raise mismatch(
            f"{len(messages)} messages sent, {report.processed} processed, {len(strange)} listed that were not sent"
        )
    rest = Retry(send_again) if report.unnamed else Applied()
    return {number: explain(errors[number]) if number in errors else rest for number in messages}


def results_of_dead(
    report: ProcessingReport | None, messages: Sequence[int], send_again: datetime, explain: Explain
) -> dict[int, Result]:
    """One result per message of a feed that ended FATAL or CANCELLED: none, some or all of it may have been applied.

    What a report says is refused, is; of the rest nothing is known, so it is sent again.
    """
    errors = report.by_message() if report is not None else {}
    return {number: explain(errors[number]) if number in errors else Retry(send_again) for number in messages}


def combined(by_feed: Sequence[tuple[str, Mapping[int, Result]]]) -> dict[int, Result]:
    """One result per message over all feeds that carry it, given as (marketplace, results).

    A refusal of one feed outweighs all else and names its marketplace: the merchant hears of it nowhere else, and the
    message is merely sent again with the next push. Else one feed that applied it is enough, because a quantity holds
    in all marketplaces of the region: a marketplace whose feed always dies must not have everything sent again.
    """
    found: dict[int, Result] = {}
    for place, results in by_feed:
        for number, result in results.items():
            found[number] = _weightier(found.get(number), _placed(result, place))
    return found


def mismatch(detail: str) -> Temporary:
    """The alarm about a report that does not fit its feed."""
    return Temporary("Amazon's report does not fit what was sent.", detail=detail, code="REPORT_MISMATCH")


def _placed(result: Result, place: str) -> Result:
    if place and isinstance(result, Rejected):
        return Rejected(result.code, f"{place}: {result.message}")
    return result


def _weightier(one: Result | None, other: Result) -> Result:
    return other if one is None or _WEIGHTS[type(other)] > _WEIGHTS[type(one)] else one
