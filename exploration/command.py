"""`is2 explore`: run seeds, or one seed again with its whole trace."""

from __future__ import annotations

import resource
import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from exploration.further import Further


_CARTS = click.option(
    "--cart", "carts", multiple=True, metavar="MODULE", help="A module that brings a further cart and its shop."
)
_WAREHOUSES = click.option(
    "--warehouse", "warehouses", multiple=True, metavar="MODULE", help="A module that brings a further warehouse."
)


@click.group()
def explore() -> None:
    """Run the real code under seeded faults, deterministically."""


@explore.command()
@click.option("--seeds", default=50, show_default=True, help="How many seeds.")
@click.option("--from", "first", default=1, show_default=True, help="The first seed.")
@click.option("--jobs", default=1, show_default=True, help="How many at once.")
@_CARTS
@_WAREHOUSES
def run(seeds: int, first: int, jobs: int, carts: tuple[str, ...], warehouses: tuple[str, ...]) -> None:
    """Run seeds and check what must hold; exits with 1 where something did not, where something happened fewer than
    20 times in 500 seeds, or where fewer than half of the task runs met a fault."""
    # Only here: every other command starts without the simulator and greenlet.
    from exploration.crew import run_all
    from exploration.tally import Tally
    from is2_core.calls.carts import CartRegistry

    broken, totals, tally = 0, Counter[str](), Tally()
    named = [f"--cart {name}" for name in carts] + [f"--warehouse {name}" for name in warehouses]
    again = " ".join(["is2 explore replay", *named])
    for outcome in run_all(range(first, first + seeds), jobs, CartRegistry.load(), _further(carts, warehouses)):
        tally.add(outcome.tally)
        totals.update({"orders": outcome.orders, "task runs": outcome.tasks, "crashes": outcome.crashes})
        if outcome.violations:
            broken += 1
            click.echo(f"seed {outcome.seed}: {len(outcome.violations)} violations; {again} {outcome.seed}")
            for violation in outcome.violations[:5]:
                click.echo(f"  {violation}")
    click.echo("How often it happened:")
    click.echo("\n".join(tally.table()))
    too_seldom = tally.seldom(seeds)
    if 2 * tally.struck < tally.outside:
        too_seldom.append("fewer than half of the task runs that called outside met a fault")
    for each in too_seldom:
        click.echo(f"too seldom: {each}")
    figures = ", ".join(f"{number} {name}" for name, number in totals.items())
    click.echo(f"{seeds} seeds, {broken} broken; {figures}; {_cpu_s() / seeds:.2f} s of a processor a seed")
    sys.exit(1 if broken or too_seldom else 0)


def _further(carts: tuple[str, ...], warehouses: tuple[str, ...]) -> Further:
    from exploration.further import Further

    try:
        return Further.load(carts, warehouses)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _cpu_s() -> float:
    """Return the processor time this process and those it forked have used, in seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


@explore.command()
@click.argument("seed", type=int)
@_CARTS
@_WAREHOUSES
def replay(seed: int, carts: tuple[str, ...], warehouses: tuple[str, ...]) -> None:
    """Run one seed and print everything that happened; with the plugins it was run with, or it is another history."""
    from exploration.run import explore as explore_seed

    outcome = explore_seed(seed, further=_further(carts, warehouses))
    click.echo("\n".join(outcome.trace))
    click.echo(f"plan: {outcome.plan}")
    for violation in outcome.violations:
        click.echo(violation)
    click.echo(f"digest {outcome.digest}")
    sys.exit(1 if outcome.violations else 0)
