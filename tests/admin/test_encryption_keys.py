"""Encryption keys are rotated while all runs, checked, and had from wherever the operator keeps them."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from cli import keys as command
from cli.main import main
from is2_core.accounts.models import Credential
from is2_core.admin import encryption_keys
from is2_core.audit.models import CHAIN_ROW, AuditChain, AuditEntry
from is2_core.bootstrap import build_platform
from is2_core.config import Config
from is2_core.crypto import Keyring, UnknownKey
from is2_core.db import reseal as resealing
from is2_core.db.canary import keys_problem
from is2_core.db.types import SealedValue, seal, use_keyring
from is2_core.errors import BadInput, CannotStart
from is2_core.platform import Platform
from is2_core.settings.key_providers import KeyFile, KeySource, key_source
from tests.conftest import KEYS, make_config
from tests.support.filled import fill

PURPOSE = "credential.credentials"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The file with the key that the stored values are sealed with."""
    path = tmp_path / "encryption-keys"
    path.write_text(KEYS + "\n")
    path.chmod(0o640)
    return path


@pytest.fixture
def filled(database_url: str, key_file: Path) -> Iterator[Platform]:
    """A platform with keys in a file, over a database with two rows in every table."""
    source = KeySource(KeyFile(key_file))
    made = build_platform(replace(make_config(database_url), keyring=source.keyring(), keys=source))
    fill(made.db)
    with made.db.write() as session:
        session.execute(
            sa.update(AuditChain)
            .where(AuditChain.id == CHAIN_ROW)
            .values(key=seal(AuditChain.key, "0a" * 32, CHAIN_ROW))
        )
    if not made.db.is_sqlite:
        with made.db.write() as session:
            # The rows were filled in with their numbers, which the database has not counted.
            session.execute(sa.text("SELECT setval(pg_get_serial_sequence('audit_entry', 'id'), 100)"))
    assert keys_problem(made.db) == ""
    yield made
    made.db.dispose()
    use_keyring(Keyring.parse(KEYS))


class Writer:
    """Another process, that writes all the time: with the keys it had when it started, until its clock has moved on."""

    def __init__(self, platform: Platform, key_file: Path) -> None:
        self.platform, self.now = platform, 0.0
        self.source = KeySource(KeyFile(key_file), lambda: self.now)
        self.written: list[str] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def write(self) -> None:
        """Seal once more, as a renewed authorization does."""
        keyring = self.source.keyring()
        text = keyring.seal(PURPOSE, (1,), b'"written meanwhile"')
        with self.platform.db.write() as session:
            value = SealedValue(PURPOSE, text)
            session.execute(sa.update(Credential).where(Credential.integration_id == 1).values(credentials=value))
        self.written.append(keyring.current)

    def run(self) -> None:
        while not self.ended.is_set():
            self.write()


def test_everything_is_sealed_anew_while_others_write_with_the_key_of_before(
    filled: Platform, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "BATCH", 1)
    writer = Writer(filled, key_file)
    writer.write()
    encryption_keys.add_key(filled, "newer")
    keyring = Keyring.parse(key_file.read_text().strip())
    assert (keyring.current, set(keyring.keys)) == ("newer", {"newer", "test"})
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o640
    told: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        told.append((done, total))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encryption_keys.rotate(filled, stop, lambda: None)
    remaining = encryption_keys.remaining_values(filled)
    assert 0 < remaining < told[0][1]
    passes: list[int] = []

    def pause() -> None:
        # The other process writes once more with what it has, and asks for its keys again afterwards.
        if not passes:
            writer.ended.set()
            writer.thread.join()
            writer.write()
            assert writer.written[-1] == "test"
            writer.now += 10
        passes.append(1)

    writer.thread.start()
    assert encryption_keys.rotate(filled, lambda done, total: None, pause) == 0
    writer.write()
    assert (writer.written[-1], len(passes)) == ("newer", 2)
    report = encryption_keys.check_keys(filled)
    assert (set(report.counts), report.closed) == ({"newer"}, [])
    # The older key may go: without it a process starts, and with it alone none.
    newer = key_file.read_text().split(",")[0]
    use_keyring(Keyring.parse(newer))
    assert keys_problem(filled.db) == ""
    use_keyring(Keyring.parse(KEYS))
    assert "not in the keyring" in keys_problem(filled.db)
    with filled.db.read() as session:
        acts = session.scalars(sa.select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert list(acts)[-2:] == ["keys.add", "keys.rotate"]


@pytest.mark.unit
def test_a_process_that_meets_a_newer_key_asks_for_it_at_once(key_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    stuck = KeySource(KeyFile(key_file), lambda: 0.0)
    use_keyring(stuck.keyring(), stuck)
    try:
        KeyFile(key_file).put_in_front(Keyring.generate("newer"))
        sealed = Keyring.parse(key_file.read_text().strip()).seal(PURPOSE, (1,), b'"of another process"')
        assert SealedValue(PURPOSE, sealed).open(1) == "of another process"
        # A file that is not there for a moment ends nothing.
        key_file.rename(key_file.with_name("away"))
        foreign = Keyring.parse(Keyring.generate("foreign")).seal(PURPOSE, (1,), b"1")
        with pytest.raises(UnknownKey):
            SealedValue(PURPOSE, foreign).open(1)
        assert SealedValue(PURPOSE, sealed).open(1) == "of another process"
    finally:
        use_keyring(Keyring.parse(KEYS))
    assert "cannot be read again" in caplog.text and KEYS.partition(":")[2] not in caplog.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_key_is_added_once_and_only_to_a_file(filled: Platform, key_file: Path) -> None:
    with pytest.raises(BadInput, match="already"):
        encryption_keys.add_key(filled, "test")
    busy = key_file.with_name("encryption-keys.new")
    busy.touch()
    with pytest.raises(CannotStart, match="File exists"):
        encryption_keys.add_key(filled, "newer")
    assert key_file.read_text().strip() == KEYS
    without = replace(filled, config=replace(filled.config, keys=None))
    with pytest.raises(CannotStart, match="in no file"):
        encryption_keys.add_key(without, "newer")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_commands_rotate_and_say_what_is_needed(
    filled: Platform, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "FRESH_S", 0)
    environment = {
        "IS2_DATABASE_URL": filled.db.url,
        "IS2_REDIS_URL": "redis://127.0.0.1:1",
        "IS2_ENCRYPTION_KEYS": "",
        "IS2_ENCRYPTION_KEYS_FILE": str(key_file),
        "IS2_SESSION_SECRET": "a session secret for tests, 40 letters",
    }

    def run(*arguments: str) -> tuple[int, str]:
        ended = CliRunner().invoke(main, ["keys", *arguments], env=environment)
        return ended.exit_code, ended.output

    assert run("check")[0] == 0
    code, said = run("rotate", "--new", "k2")
    assert (code, "k2 was put in front" in said, "Everything is encrypted with k2" in said) == (0, True, True), said
    code, said = run("check")
    assert code == 0
    assert "values; seals" in said and "test: 0 values; can be dropped, but for backups" in said
    with filled.db.write() as session:
        session.execute(sa.text("UPDATE credential SET credentials = '2:lost.AAAA' WHERE integration_id = 1"))
    code, said = run("check")
    assert code == 1
    assert "lost: 1 values; needed, and missing here" in said
    assert "credential.credentials of row 1: " in said and "Error: 1 values do not open" in said
    assert run("rotate")[0] == 1


@pytest.mark.unit
def test_another_provider_is_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "is2_testkms.py").write_text(
        "class Service:\n"
        "    def __init__(self, environ):\n"
        "        self.keyring = environ['TESTKMS_RING']\n"
        "    def keys(self):\n"
        "        return self.keyring\n"
    )
    folder = tmp_path / "is2_testkms-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: is2-testkms\nVersion: 1\n")
    (folder / "entry_points.txt").write_text("[is2.keys]\ntestkms = is2_testkms:Service\n")
    monkeypatch.syspath_prepend(tmp_path)
    environment = {
        "IS2_DATABASE_URL": "sqlite:///is2.db",
        "IS2_REDIS_URL": "redis://127.0.0.1:1",
        "IS2_SESSION_SECRET": "a session secret for tests, 40 letters",
        "IS2_KEY_PROVIDER": "testkms",
        "TESTKMS_RING": KEYS,
    }
    assert Config.from_environment(environment).keyring.current == "test"
    for changed, problem in (
        ({"IS2_KEY_PROVIDER": "other"}, "IS2_KEY_PROVIDER is other, and installed are: testkms"),
        ({"TESTKMS_RING": "nonsense"}, "IS2_ENCRYPTION_KEYS: a key must be an id"),
    ):
        with pytest.raises(CannotStart, match=problem):
            key_source({**environment, **changed}, "")
    del environment["TESTKMS_RING"]
    with pytest.raises(CannotStart, match=r"testkms does not load \(KeyError\)"):
        key_source(environment, "")
