"""The servers that come out of wheels: the panel's embedded Redis and the tests' PostgreSQL."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from cli.embedded_redis import EmbeddedRedis, EmbeddedRedisError
from tests.support.postgres import PostgresServer, find_programs

OWNER = """
import sys
from cli.embedded_redis import EmbeddedRedis

server = EmbeddedRedis(sys.argv[1])
print(server.start(), flush=True)
sys.stdin.read()
server.stop()
"""

DATABASE_OWNER = """
import sys
from tests.support.postgres import PostgresServer

server = PostgresServer()
server.start()
print(server.url("postgres"), flush=True)
sys.stdin.read()
"""


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Look until the condition holds; False when the time runs out first."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def servers_in(folder: Path) -> list[psutil.Process]:
    """The live Redis servers that work in a folder, however they were started."""
    found = []
    for process in psutil.process_iter(["name", "cwd", "status"]):
        facts = process.info
        is_server = facts["name"] in ("valkey-server", "redis-server")
        if is_server and facts["cwd"] == str(folder) and facts["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


@contextmanager
def owner(script: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of its own that starts a server; yields it with the address it printed, and ends it afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()


@contextmanager
def client_of(url: str) -> Iterator[redis.Redis]:
    """A client that is closed again, since an open socket left behind is a warning."""
    client = redis.Redis.from_url(url, decode_responses=True)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(params=["short", "a-folder-with-a-path-too-long-for-a-socket-" + "x" * 80])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A data folder; a server that a failed test leaves in it is ended."""
    path = tmp_path / request.param
    yield path
    for process in servers_in(path):
        process.kill()


def test_redis_keeps_its_queue_whatever_the_memory(folder: Path) -> None:
    with EmbeddedRedis(folder) as server, client_of(server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("port") == {"port": "0"}


def test_redis_stops_with_its_owner_and_keeps_what_was_written(folder: Path) -> None:
    with EmbeddedRedis(folder) as server, client_of(server.url) as client:
        client.set("wake-up", "sent")
        assert len(servers_in(folder)) == 1
    assert servers_in(folder) == []
    with EmbeddedRedis(folder) as server, client_of(server.url) as client:
        assert client.get("wake-up") == "sent"


def test_redis_left_by_a_killed_owner_is_replaced_with_its_data(folder: Path) -> None:
    with owner(OWNER, str(folder)) as (process, url):
        with client_of(url) as client:
            client.set("wake-up", "sent")
        process.kill()
        process.wait()
        (orphan,) = servers_in(folder)
        with EmbeddedRedis(folder) as server, client_of(server.url) as client:
            assert client.get("wake-up") == "sent"
            (only,) = servers_in(folder)
            assert only.pid == client.info("server")["process_id"] != orphan.pid
    assert servers_in(folder) == []


def test_redis_killed_with_its_owner_loses_nothing(folder: Path) -> None:
    with owner(OWNER, str(folder)) as (process, url):
        with client_of(url) as client:
            client.set("wake-up", "sent")
        process.kill()
        (orphan,) = servers_in(folder)
        orphan.kill()
        assert eventually(lambda: servers_in(folder) == [])
        process.wait()
        with EmbeddedRedis(folder) as server, client_of(server.url) as client:
            assert client.get("wake-up") == "sent"


def test_redis_that_died_is_started_again_by_its_owner(folder: Path) -> None:
    with EmbeddedRedis(folder) as server:
        servers_in(folder)[0].kill()
        assert eventually(lambda: not server.is_running())
        with client_of(server.start()) as client:
            assert client.ping()


def test_redis_of_a_live_owner_is_left_alone(folder: Path) -> None:
    with owner(OWNER, str(folder)) as (_, url):
        with pytest.raises(EmbeddedRedisError, match="belongs to another running process"):
            EmbeddedRedis(folder).start()
        with client_of(url) as client:
            assert client.ping()
        assert len(servers_in(folder)) == 1


def test_redis_files_are_for_this_user_only(folder: Path) -> None:
    with EmbeddedRedis(folder) as server:
        assert folder.stat().st_mode & 0o077 == 0
        socket = Path(server.url.removeprefix("unix://"))
        assert socket.stat().st_mode & 0o077 == 0
        assert socket.parent.stat().st_mode & 0o077 == 0


def test_redis_that_cannot_read_its_file_says_so(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, client_of(server.url) as client:
        client.set("wake-up", "sent")
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("not a manifest\n")
    with pytest.raises(EmbeddedRedisError, match=r"ended; see .*redis\.log"):
        EmbeddedRedis(tmp_path).start()
    assert servers_in(tmp_path) == []


@pytest.mark.postgres
def test_postgres_makes_empties_and_drops_databases() -> None:
    with PostgresServer() as server:
        url = server.create_database("first").replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE bells (id serial PRIMARY KEY, rings int REFERENCES bells)")
            connection.execute("INSERT INTO bells (rings) VALUES (1), (1)")
            server.empty_database("first")
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM bells").fetchone() == (0,)
            assert connection.execute("INSERT INTO bells DEFAULT VALUES RETURNING id").fetchone() == (1,)
        server.drop_database("first")
        with psycopg.connect(server.url("postgres").replace("+psycopg", "")) as connection:
            assert connection.execute("SELECT datname FROM pg_database WHERE datname = 'first'").fetchone() is None


@pytest.mark.postgres
def test_postgres_goes_away_with_a_killed_test_process() -> None:
    with owner(DATABASE_OWNER) as (process, url):
        folder = Path(url.partition("host=")[2])
        assert folder.exists()
        process.kill()
        process.wait()
        assert eventually(lambda: not folder.exists())


@pytest.mark.postgres
def test_postgres_runs_where_its_programs_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    (private / "pginstall").symlink_to(find_programs().parent)
    monkeypatch.setattr("tests.support.postgres.find_programs", lambda: private / "pginstall" / "bin")
    with PostgresServer() as server, psycopg.connect(server.url("postgres").replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
