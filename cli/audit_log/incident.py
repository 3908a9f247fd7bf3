"""`is2 incident`: what has to be known of an incident."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import IO, Any, Final

import click

from cli.environment import platform_of_environment
from is2_core.accounts.names import account_named, people_of
from is2_core.audit import Act, record
from is2_core.audit.queries import Entry, Wanted, all_entries
from is2_core.errors import FlowError

_DAY: Final = "%Y-%m-%d"
_TIME = click.DateTime([_DAY, "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
_COLUMNS: Final = (
    "id", "at", "user_id", "actor", "role", "address", "account_id", "act", "subject", "before", "after"
)  # fmt: skip


@click.group()
def incident() -> None:
    """Answer what has to be answered after an incident."""


@incident.command()
@click.option("--from", "since", type=_TIME, required=True, help="A day, or a time, in UTC.")
@click.option(
    "--to", "until", type=_TIME, required=True, help="The last day, or the time before which it ends, in UTC."
)
@click.option("--account", "account_name", help="Only what concerns this account and its people.")
@click.option("--format", "kind", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, writable=True), default="-", help="A file; - is the screen.")
def export(*, since: datetime, until: datetime, account_name: str | None, kind: str, output: str) -> None:
    """Write down who did and saw what in a span of time, from the audit log; this too is recorded there."""
    since, until = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
    if (until.hour, until.minute, until.second) == (0, 0, 0):
        until += timedelta(days=1)
    if until <= since:
        raise click.BadParameter("it ends before it begins", param_hint="--to")
    platform = platform_of_environment()
    try:
        account_id = account_named(platform, account_name) if account_name else None
    except FlowError as error:
        raise click.ClickException(error.message) from error
    people = people_of(platform, account_id) if account_id is not None else ()
    wanted = Wanted(since=since, until=until, account_id=account_id, people=people)
    found = list(all_entries(platform, wanted))
    with platform.db.write() as session:
        span = {"from": since.isoformat(), "to": until.isoformat(), "rows": len(found)}
        record(session, Act.EXPORTED, subject="audit log", after=span, account_id=account_id)
    platform.db.dispose()
    with click.open_file(output, "w", encoding="utf-8") as file:
        (_write_csv if kind == "csv" else _write_json)(found, file)
    if output != "-":
        click.echo(f"{len(found)} rows were written to {output}.")


def _write_csv(rows: Iterable[Entry], file: IO[str]) -> None:
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow([_text(getattr(row, name)) for name in _COLUMNS])


def _write_json(rows: Iterable[Entry], file: IO[str]) -> None:
    json.dump([{**vars(row), "at": row.at.isoformat()} for row in rows], file, ensure_ascii=False, indent=1)
    file.write("\n")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    # A spreadsheet would run it.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
