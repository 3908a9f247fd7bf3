"""Many seeds at once: each in a process of its own, forked from the world it shares with others."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

from exploration.further import NOTHING_FURTHER, Further
from exploration.plan import LAYOUTS
from exploration.run import Outcome, explore, finish, prepare
from exploration.world import World
from is2_core.calls.carts import CartRegistry

# So many run here first: what they leave compiled all others find.
_HERE = 3
_FORK = multiprocessing.get_context("fork")


def run_all(
    seeds: Sequence[int], jobs: int, carts: CartRegistry, further: Further = NOTHING_FURTHER, *, here: int = _HERE
) -> Iterator[Outcome]:
    """Run seeds and yield what came of each, without its trace, in any order.

    Args:
        jobs: how many at once.
        here: how many run in this process, the first ones.
    """
    rest = seeds[here:]
    for seed in seeds[:here]:
        yield explore(seed, carts, further)
    running: dict[Connection, tuple[int, ForkProcess]] = {}
    for layout in range(LAYOUTS):
        group = [seed for seed in rest if seed % LAYOUTS == layout]
        if not group:
            continue
        world = prepare(group[0], carts, further)
        # What nobody here will free need not be looked at, and so copied, in each process.
        gc.freeze()
        for seed in group:
            while len(running) >= jobs:
                yield from _ended(running)
            ours, theirs = _FORK.Pipe(duplex=False)
            process = _FORK.Process(target=_run, args=(world, seed, theirs))
            process.start()
            theirs.close()
            running[ours] = (seed, process)
    while running:
        yield from _ended(running)


def _run(world: World, seed: int, results: Connection) -> None:
    # A process that ends so soon need not tidy up.
    gc.disable()
    results.send(replace(finish(world, seed), trace=()))
    results.close()


def _ended(running: dict[Connection, tuple[int, ForkProcess]]) -> Iterator[Outcome]:
    """Wait for one at least."""
    for results in wait(list(running)):
        assert isinstance(results, Connection)
        seed, process = running.pop(results)
        try:
            yield results.recv()
        except EOFError:
            raise RuntimeError(f"seed {seed} ended without a result") from None
        finally:
            results.close()
            process.join()
