"""`is2 explore`: run seeds, or one seed again with its whole trace."""

from __future__ import annotations

import sys
import time

import click


@click.group()
def explore() -> None:
    """Run the real code under seeded faults, deterministically."""


@explore.command()
@click.option("--seeds", default=50, show_default=True, help="How many seeds.")
@click.option("--from", "first", default=1, show_default=True, help="The first seed.")
def run(seeds: int, first: int) -> None:
    """Run seeds and check what must hold; exits with 1 where something did not."""
    # Only here: every other command starts without the simulator and greenlet.
    from exploration.run import explore as explore_seed
    from is2_core.calls.carts import CartRegistry

    carts, broken, started = CartRegistry.load(), 0, time.monotonic()
    totals = {"orders": 0, "tasks": 0, "crashes": 0}
    for seed in range(first, first + seeds):
        outcome = explore_seed(seed, carts)
        for name in totals:
            totals[name] += getattr(outcome, name)
        if outcome.violations:
            broken += 1
            click.echo(f"seed {seed}: {len(outcome.violations)} violations; is2 explore replay {seed}")
            for violation in outcome.violations[:5]:
                click.echo(f"  {violation}")
    figures = ", ".join(f"{number} {name}" for name, number in totals.items())
    click.echo(f"{seeds} seeds, {broken} broken; {figures}; {time.monotonic() - started:.1f} s")
    sys.exit(1 if broken else 0)


@explore.command()
@click.argument("seed", type=int)
def replay(seed: int) -> None:
    """Run one seed and print everything that happened."""
    from exploration.run import explore as explore_seed

    outcome = explore_seed(seed)
    click.echo("\n".join(outcome.trace))
    click.echo(f"plan: {outcome.plan}")
    for violation in outcome.violations:
        click.echo(violation)
    click.echo(f"digest {outcome.digest}")
    sys.exit(1 if outcome.violations else 0)
