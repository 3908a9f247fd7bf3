"""`is2 up` as a process: it starts everything, keeps it running, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import up
from cli.main import main
from cli.ports import listen
from cli.trial import MERCHANTS, SIMULATED_CART, has_people, make_people, use_simulator
from is2_core.accounts.users import sign_in
from is2_core.admin.cart_setup import save_cart_settings
from is2_core.carts.cart_settings import stored_settings
from is2_core.config import NAMES
from is2_core.errors import CannotStart
from is2_core.platform import Platform
from tests.cli.waiting import until

pytestmark = pytest.mark.timeout(240)


class Trial:
    """A running `is2 up`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # What a test before this one may have set must not lead it elsewhere.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("IS2_")}
        self.process = subprocess.Popen(
            [
                *UP,
                "--data",
                str(folder),
                "--port",
                "0",
                "--simulator-port",
                "0",
                "--workers",
                "1",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean,
        )
        until((folder / "addresses.json").exists)
        self.port = int(self.read("addresses.json")["panel"].rpartition(":")[2])

    def read(self, name: str) -> Any:
        """A file it keeps."""
        return json.loads((self.folder / name).read_text())

    def is_healthy(self, path: str = "/healthz") -> bool:
        """Whether the panel answers."""
        try:
            with urllib.request.urlopen(f"{self.read('addresses.json')['panel']}{path}", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


UP = [sys.executable, "-m", "cli.main", "up"]


@contextmanager
def running(folder: Path) -> Iterator[Trial]:
    """A trial that is ended with SIGTERM."""
    trial = Trial(folder)
    with trial.process:
        try:
            yield trial
        finally:
            trial.process.terminate()


def is_alive(pid: int) -> bool:
    """Whether a process runs (and is no zombie that nobody has collected)."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough to see who is in it."""
    return sqlite_url


def test_people_are_made_once_in_each_database(platform: Platform) -> None:
    assert not has_people(platform)
    people = make_people(platform)
    assert has_people(platform)
    for person in people:
        known = sign_in(platform, person.email, person.password)
        assert known is not None and known.role == person.role
    for person in people[-len(MERCHANTS) :]:
        owner = sign_in(platform, person.email, person.password)
        assert owner is not None and [account.name for account in owner.accounts] == [person.account]
    assert [(person.email, person.account) for person in people[-len(MERCHANTS) :]] == [
        (email, account) for email, _, account in MERCHANTS
    ]


def test_an_endpoint_chosen_by_an_admin_is_left_alone(platform: Platform) -> None:
    use_simulator(platform, "http://127.0.0.1:1")
    use_simulator(platform, "http://127.0.0.1:2")
    stored = stored_settings(platform, SIMULATED_CART)
    assert stored.enabled and stored.values["simulator_url"] == "http://127.0.0.1:2"
    save_cart_settings(platform, SIMULATED_CART, "production", {**stored.values, "client_secret": ""})
    use_simulator(platform, "http://127.0.0.1:3")
    assert stored_settings(platform, SIMULATED_CART).environment == "production"


def test_field_H4_it_starts_restarts_and_ends_everything(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    with running(folder) as trial:
        assert trial.is_healthy()
        for secret in ("encryption-keys", "session-secret", "users.json"):
            assert stat.S_IMODE((folder / secret).stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

        processes = trial.read("processes.json")
        assert processes.keys() == {"amazon-simulator", "web", "dispatcher-1", "worker-1"}
        os.kill(processes["web"], signal.SIGKILL)
        until(lambda: trial.read("processes.json").get("web") not in (None, processes["web"]))
        until(trial.is_healthy)

        busy = subprocess.run(
            [*UP, "--data", str(tmp_path / "other"), "--port", str(trial.port)], capture_output=True, text=True
        )
        assert busy.returncode == 1
        assert f"Port {trial.port} is in use by another program" in busy.stderr
        taken = subprocess.run([*UP, "--data", str(folder)], capture_output=True, text=True)
        assert taken.returncode == 1
        assert "belongs to another running process" in taken.stderr

        server = int((folder / "redis/redis.pid").read_text())
        os.kill(server, signal.SIGKILL)
        until(lambda: trial.is_healthy("/readyz") and int((folder / "redis/redis.pid").read_text()) != server)

        passwords = {person["email"]: person["password"] for person in trial.read("users.json")}
        children = trial.read("processes.json").values()
        trial.process.terminate()
        output, _ = trial.process.communicate(timeout=60)
    assert trial.process.returncode == 0
    assert "web was ended by SIGKILL; it is started again" in output
    assert "The embedded Redis ended; it is started again." in output
    assert all(email in output and password in output for email, password in passwords.items())
    assert [pid for pid in children if is_alive(pid)] == []


def test_field_H4_who_listens_first_has_the_port(capsys: pytest.CaptureFixture[str]) -> None:
    """Two that start at once: the sockets listen before anything else is done, and are handed on."""
    first = listen(0)
    assert first is not None
    usual = first.getsockname()[1]
    with first, up._listen("panel", None, usual) as second:
        assert second.getsockname()[1] not in (0, usual)
        assert f"Port {usual} is in use by another program; the panel is at " in capsys.readouterr().err
        with pytest.raises(CannotStart, match=f"Port {usual} is in use by another program"):
            up._listen("panel", usual, 8080)


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"IS2_REDIS_URL": "redis://127.0.0.1:1"}, "IS2_REDIS_URL: Redis at redis://127.0.0.1:1 cannot be used"),
        ({"IS2_DATABASE_URL": "sqlite:////no/such/is2.db"}, "IS2_DATABASE_URL: the database"),
        ({"IS2_DATABASE_URL": "mysql://root@localhost/is2"}, "IS2_DATABASE_URL must begin with"),
        ({"IS2_REDIS_URL_FILE": "/no/such/file"}, "IS2_REDIS_URL_FILE: cannot read /no/such/file"),
    ],
)
def test_field_H4_a_wrong_address_is_one_line(environment: dict[str, str], line: str, tmp_path: Path) -> None:
    options = ["up", "--data", str(tmp_path / "var"), "--port", "0", "--simulator-port", "0"]
    refused = CliRunner().invoke(main, options, env=dict.fromkeys(NAMES) | environment)
    assert refused.exit_code == 1
    assert refused.output.startswith(f"Error: {line}")
    assert len(refused.output.splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with a killed parent")
def test_children_end_with_a_killed_parent_and_the_next_start_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    trial = Trial(folder)
    children = list(trial.read("processes.json").values())
    users = trial.read("users.json")
    with trial.process:
        trial.process.kill()
    until(lambda: not any(is_alive(pid) for pid in children))
    # What the killed one could not take away would pass for the next one's.
    (folder / "addresses.json").unlink()
    with running(folder) as again:
        assert again.is_healthy()
        assert again.read("users.json") == users
