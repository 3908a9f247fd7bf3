"""The outcome for people and for programs."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.demo.story import Outcome

# Where no terminal says how wide it is; wide enough not to break order ids.
_WIDTH = 150


def differences(outcome: Outcome) -> list[str]:
    """One sentence for every row or example that differs, naming the orders."""
    found = []
    for row in outcome.rows:
        for who, ids in (("IS2", row.is2 - row.cart), ("Amazon", row.cart - row.is2)):
            if ids:
                found.append(f"{row.name}: only on the side of {who}: {', '.join(sorted(ids))}")
    found += [
        f"Example order {each.order_id} is not accounted for: {each.reason or 'no reason'}"
        for each in outcome.examples
        if not each.accounted_for
    ]
    for call in outcome.violations:
        where = f"Call {call['call']}, {call['operation']}: its {call['side']}"
        found.append(f"{where} breaks Amazon's model: {'; '.join(call['problems'])}")
    return found


def print_tables(outcome: Outcome) -> None:
    """Print both sides beside each other, and the example orders."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    table = Table(title="What IS2 holds, and what Amazon's own records say", title_justify="left")
    table.add_column("Orders")
    table.add_column("IS2", justify="right")
    table.add_column("Amazon", justify="right")
    table.add_column("")
    for row in outcome.rows:
        mark = "[green]same[/green]" if row.same else "[bold red]DIFFERS[/bold red]"
        table.add_row(row.name, str(len(row.is2)), str(len(row.cart)), mark)
    console.print(table)
    if outcome.examples:
        console.print(_examples_table(outcome))


def _examples_table(outcome: Outcome) -> Table:
    table = Table(title="Amazon's example orders", title_justify="left")
    for heading in ("Order", "Seller", "At Amazon", "In IS2"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Why")
    for each in outcome.examples:
        state = each.state if each.accounted_for else f"[bold red]{each.state or 'MISSING'}[/bold red]"
        table.add_row(each.order_id, each.seller, each.cart_status, state, each.reason)
    return table


def as_json(outcome: Outcome, facts: dict[str, Any]) -> str:
    """One JSON object."""
    return json.dumps(
        {
            "agrees": outcome.agrees,
            **facts,
            "rows": [row.as_json() for row in outcome.rows],
            "examples": [each.as_json() for each in outcome.examples],
            "model_violations": outcome.violations,
            "differences": differences(outcome),
        }
    )
