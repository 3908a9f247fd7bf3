"""The outcome for people and for programs."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from cli.demo.script import Outcome
from cli.demo.verification.comparison import Row

# Where no terminal says how wide it is; wide enough not to break order ids.
_WIDTH = 150


def differences(outcome: Outcome) -> list[str]:
    """Return one line for every row, check or example that differs, naming the orders, packages or SKUs."""
    found = []
    for row in outcome.rows:
        for who, entries in (("IS2", row.is2 - row.cart), ("Amazon", row.cart - row.is2)):
            if entries:
                found.append(f"{row.store}: {row.name}: only on the side of {who}: {'; '.join(sorted(entries))}")
    found += [f"{check.name}: not so ({check.seen})" for check in outcome.checks if not check.holds]
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
    """Print both sides beside each other, the stock SKU by SKU, what was seen on the way, and the example orders."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(_rows_table(outcome))
    console.print(_stock_table(outcome))
    console.print(_checks_table(outcome))
    if outcome.examples:
        console.print(_examples_table(outcome))


def _rows_table(outcome: Outcome) -> Table:
    table = Table(title="What IS2 holds | what Amazon's own records say, by store", title_justify="left")
    table.add_column("")
    for store in outcome.stores:
        table.add_column(store, justify="right")
    cells = {(row.name, row.store): _cell(row) for row in outcome.rows}
    for name in dict.fromkeys(row.name for row in outcome.rows):
        table.add_row(name, *(cells.get((name, store), "") for store in outcome.stores))
    return table


def _cell(row: Row) -> str:
    counts = f"{len(row.is2)} | {len(row.cart)}"
    return counts if row.same else f"[bold red]{counts} DIFFERS[/bold red]"


def _stock_table(outcome: Outcome) -> Table:
    table = Table(
        title="Stock: units and days of latency as IS2 sent them and as Amazon shows them", title_justify="left"
    )
    for heading in ("Store", "SKU"):
        table.add_column(heading, no_wrap=True)
    for heading in ("IS2: units", "days", "Amazon: units", "days"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for level in outcome.levels:
        figures = [str(figure) for side in (level.is2, level.cart) for figure in side or ("—", "—")]
        table.add_row(level.store, level.sku, *figures, _mark(level.same))
    return table


def _checks_table(outcome: Outcome) -> Table:
    table = Table(title="Seen on the way", title_justify="left")
    table.add_column("")
    table.add_column("")
    for check in outcome.checks:
        table.add_row(check.name, "[green]yes[/green]" if check.holds else f"[bold red]NO[/bold red] {check.seen}")
    return table


def _examples_table(outcome: Outcome) -> Table:
    table = Table(title="Amazon's example orders", title_justify="left")
    for heading in ("Order", "Seller", "At Amazon", "In IS2"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Why")
    for each in outcome.examples:
        state = each.state if each.accounted_for else f"[bold red]{each.state or 'MISSING'}[/bold red]"
        table.add_row(each.order_id, each.seller, each.cart_status, state, each.reason)
    return table


def _mark(same: bool) -> str:
    return "[green]same[/green]" if same else "[bold red]DIFFERS[/bold red]"


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as one JSON object."""
    return {
        "agrees": outcome.agrees,
        "stores": outcome.stores,
        "rows": [row.as_json() for row in outcome.rows],
        "stock": [level.as_json() for level in outcome.levels],
        "checks": [vars(check) for check in outcome.checks],
        "examples": [each.as_json() for each in outcome.examples],
        "model_violations": outcome.violations,
        "differences": differences(outcome),
    }
