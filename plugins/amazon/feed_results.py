"""What the reports of a submission's feeds make of each of its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from plugins.amazon.reports import MessageError, ProcessingReport
from plugins.interface import Applied, Rejected, Result, Retry, Temporary

Explain = Callable[[MessageError], Rejected]


def results_of(
    report: ProcessingReport, messages: Sequence[int], send_again: datetime, explain: Explain
) -> dict[int, Result]:
    """One result per message of a finished feed.

    Raises:
        Temporary: the report is about another number of messages, or counts other errors than it lists.
    """
    if report.whole_file_error() is not None:
        # Nothing in it says which message is at fault, so none of them may be given up.
        return {number: Retry(send_again) for number in messages}
    errors = report.by_message()
    if report.processed != len(messages) or report.with_error != len(errors) or errors.keys() - set(messages):
        raise mismatch(
            f"{len(messages)} messages sent, {report.processed} processed, {report.with_error} with errors, "
            f"{len(errors)} listed"
        )
    return {number: explain(errors[number]) if number in errors else Applied() for number in messages}


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

    A refusal of one feed outweighs all else and names its marketplace; then what has to be sent again.
    """
    found: dict[int, Result] = {}
    for place, results in by_feed:
        for number, result in results.items():
            found[number] = _weightier(found.get(number), _placed(result, place))
    return found


def mismatch(detail: str) -> Temporary:
    """The alarm about a report that does not fit its feed."""
    return Temporary(
        "Amazon's report does not fit what was sent; this is looked at again.", detail=detail, code="REPORT_MISMATCH"
    )


def _placed(result: Result, place: str) -> Result:
    if place and isinstance(result, Rejected):
        return Rejected(result.code, f"{place}: {result.sentence}")
    return result


def _weightier(one: Result | None, other: Result) -> Result:
    if one is None or isinstance(one, Applied):
        return other
    if isinstance(one, Retry) and isinstance(other, Rejected):
        return other
    return one
