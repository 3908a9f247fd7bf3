"""`is2 up`: everything on one machine, for trying the product out and for working on it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType

import click

from cli.advance import SimulatorAway, move_simulator
from cli.embedded_redis import EmbeddedRedis, EmbeddedRedisError
from cli.ports import HOST, listen
from cli.supervisor import Program, Supervisor
from cli.trial import SIMULATED_CART, SIMULATOR_COMMAND, Person, TrialFolder, has_people, make_people, use_simulator
from is2_core.admin.clock_offset import offset_of
from is2_core.bootstrap import build_platform
from is2_core.config import Config, setting
from is2_core.errors import CannotStart
from is2_core.startup import check_redis, upgrade_database

PANEL_PORT = 8080
SIMULATOR_PORT = 8765
READY_TIMEOUT_S = 60.0
REDIS_PAUSE_S = 5.0
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Listeners:
    """The sockets of the two servers with pages. They listen from now on, so nobody else can take their ports."""

    panel: socket.socket
    simulator: socket.socket

    @property
    def panel_address(self) -> str:
        """Of the panel, without a trailing slash."""
        return _address(self.panel)

    @property
    def simulator_address(self) -> str:
        """Of the simulated Amazon, without a trailing slash."""
        return _address(self.simulator)


def _address(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


class Stopped(Exception):
    """Somebody asked us to end."""


@click.command()
@click.option("--data", default="var", show_default=True, type=click.Path(path_type=Path), help="Folder of all data.")
@click.option("--port", type=click.IntRange(0, 65535), help=f"Of the panel; {PANEL_PORT} or a free one where left out.")
@click.option("--simulator-port", type=click.IntRange(0, 65535), help=f"{SIMULATOR_PORT} or a free one where left out.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 32))
@click.option("--dispatchers", default=1, show_default=True, type=click.IntRange(1, 8))
@click.option("--feed-delay", default=10.0, show_default=True, help="Seconds the simulated Amazon works on a feed.")
@click.option("--bare", is_flag=True, help="Leave the simulator's settings for an admin to type.")
def up(
    *,
    data: Path,
    port: int | None,
    simulator_port: int | None,
    workers: int,
    dispatchers: int,
    feed_delay: float,
    bare: bool,
) -> None:
    """Start panel, workers, dispatcher, Redis and a simulated Amazon, and stay open.

    IS2_DATABASE_URL and IS2_REDIS_URL are used where they are set; else a SQLite file and an embedded Redis in the
    data folder. Ctrl-C ends everything; the next start goes on with the same data.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    folder = TrialFolder(data)
    try:
        folder.make()
        with folder.owned(), ExitStack() as until_end:
            listeners = Listeners(
                until_end.enter_context(_listen("panel", port, PANEL_PORT)),
                until_end.enter_context(_listen("simulated Amazon", simulator_port, SIMULATOR_PORT)),
            )
            given = setting(os.environ, "IS2_REDIS_URL", "")
            server = None if given else until_end.enter_context(EmbeddedRedis(folder.redis))
            programs = _programs(listeners, workers, dispatchers, feed_delay)
            _run(folder, server or given, listeners, programs, bare)
    except Stopped:
        click.echo("Stopped.", err=True)
    except (EmbeddedRedisError, SimulatorAway) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{data}: {error.strerror or error}") from error


def _stop(number: int, frame: FrameType | None) -> None:
    # Once is enough: a second Ctrl-C must not interrupt the orderly end.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped


def _listen(what: str, asked: int | None, usual: int) -> socket.socket:
    try:
        listener = listen(usual if asked is None else asked)
        if listener is not None:
            return listener
        if asked is not None:
            raise CannotStart(f"Port {asked} is in use by another program. Give another one for the {what}.")
        listener = listen(0)
        assert listener is not None
    except OSError as error:
        raise CannotStart(f"Port {asked or usual} cannot be used for the {what}: {error.strerror}.") from error
    click.echo(f"Port {usual} is in use by another program; the {what} is at {_address(listener)} this time.", err=True)
    return listener


def _run(
    folder: TrialFolder, redis: EmbeddedRedis | str, listeners: Listeners, programs: list[Program], bare: bool
) -> None:
    environment = folder.environment(redis if isinstance(redis, str) else redis.url, listeners.panel_address)
    simulator = None if bare else listeners.simulator_address
    people, ahead = _prepare(folder, Config.from_environment(environment), simulator)
    supervisor = Supervisor(
        environment,
        folder.logs,
        say=lambda message: click.echo(message, err=True),
        changed=lambda: folder.write("processes.json", supervisor.processes()),
    )
    try:
        for program in programs:
            supervisor.start(program)
        _await_answer(supervisor, SIMULATOR_COMMAND, f"{listeners.simulator_address}/")
        if ahead:
            # The data remember how far the clock was moved in an earlier start; the simulator begins at real time.
            move_simulator(listeners.simulator_address, ahead)
        _await_answer(supervisor, "web", f"{listeners.panel_address}/healthz")
        folder.write("addresses.json", {"panel": listeners.panel_address, "simulator": listeners.simulator_address})
        _tell(folder, listeners, people)
        redis_due = 0.0
        while True:
            time.sleep(_LOOK_EVERY_S)
            supervisor.look()
            if isinstance(redis, EmbeddedRedis) and not redis.is_running() and time.monotonic() >= redis_due:
                _start_again(redis)
                redis_due = time.monotonic() + REDIS_PAUSE_S
    finally:
        supervisor.stop()
        for name in ("addresses.json", "processes.json"):
            (folder.path / name).unlink(missing_ok=True)


def _start_again(redis: EmbeddedRedis) -> None:
    click.echo("The embedded Redis ended; it is started again.", err=True)
    try:
        redis.start()
    except EmbeddedRedisError as error:
        click.echo(f"{error} It is tried again in {REDIS_PAUSE_S:g} s.", err=True)


def _prepare(folder: TrialFolder, config: Config, simulator: str | None) -> tuple[list[Person], timedelta]:
    platform = build_platform(config)
    upgrade_database(platform.db)
    check_redis(config.redis_url)
    try:
        if not has_people(platform):
            folder.keep_people(make_people(platform))
        if simulator:
            use_simulator(platform, simulator)
        return folder.people(), offset_of(platform)
    finally:
        platform.db.dispose()


def _programs(listeners: Listeners, workers: int, dispatchers: int, feed_delay: float) -> list[Program]:
    is2 = (sys.executable, "-m", "cli.main")
    panel, simulator = (("--listener", str(each.fileno())) for each in (listeners.panel, listeners.simulator))
    amazon = (*is2, SIMULATOR_COMMAND, *simulator, "--feed-delay", str(feed_delay))
    return [
        Program(SIMULATOR_COMMAND, amazon, listeners.simulator),
        Program("web", (*is2, "web", *panel), listeners.panel),
        *(Program(f"dispatcher-{n}", (*is2, "dispatcher")) for n in range(1, dispatchers + 1)),
        *(Program(f"worker-{n}", (*is2, "worker")) for n in range(1, workers + 1)),
    ]


def _await_answer(supervisor: Supervisor, name: str, address: str) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        if supervisor.has_died(name):
            last = supervisor.log_of(name).read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
            raise click.ClickException(f"{name} did not start:\n" + "\n".join(last))
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise click.ClickException(
                    f"{name} did not answer within {READY_TIMEOUT_S:g} s (see {supervisor.log_of(name)})"
                ) from error
            time.sleep(_LOOK_EVERY_S)


def _tell(folder: TrialFolder, listeners: Listeners, people: list[Person]) -> None:
    click.echo(f"Panel              {listeners.panel_address}")
    click.echo(f"Connect a store    {listeners.panel_address}/{SIMULATED_CART}/install")
    click.echo(f"Simulated Amazon   {listeners.simulator_address}")
    click.echo(f"Data and logs      {folder.path}")
    click.echo("")
    click.echo("Users and passwords, made up for this folder:" if people else "The users are those made earlier.")
    width = max((len(person.email) for person in people), default=0)
    for person in people:
        click.echo(f"  {person.email:{width}}  {person.password}  {person.account or person.role}")
    click.echo("")
    click.echo("Ctrl-C ends everything.")
    sys.stdout.flush()
