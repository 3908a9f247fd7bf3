"""A process that cannot work does not start, and says why in one line."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex, token_urlsafe

import psycopg
import pytest
import redis
import sqlalchemy as sa
from click.testing import CliRunner

from cli.main import main
from is2_core.bootstrap import build_platform
from is2_core.config import NAMES, Config, ConfigError, warnings
from is2_core.crypto import Keyring
from is2_core.db.engine import Database
from is2_core.db.models import KeyCanary
from is2_core.db.reseal import all_steps, reseal
from is2_core.db.types import use_keyring
from is2_core.errors import CannotStart
from is2_core.settings.entropy import secret_problem
from is2_core.startup import check_database, check_redis, check_start_in_child, upgrade_database
from tests.cli.waiting import until
from tests.conftest import KEYS, make_config
from tests.support.filled import fill
from tests.support.postgres import PostgresServer
from web.serve import serve

ROOT = Path(__file__).resolve().parents[2]
ANOTHER_KEY = Keyring.generate("test")
ENVIRONMENT = {
    "IS2_DATABASE_URL": "sqlite:///is2.db",
    "IS2_REDIS_URL": "redis://127.0.0.1:1",
    "IS2_ENCRYPTION_KEYS": KEYS,
    "IS2_SESSION_SECRET": "a session secret for tests, 40 letters",
    "IS2_PUBLIC_URL": "https://is2.example.com",
}

DB = "postgresql+psycopg://is2:hunter2@"
REDIS = "redis://:hunter2@"
UNVERIFIED = "IS2_REDIS_URL has "
# What is set, and what is said: links off the machine in plain text or unverified, and a trial's flags in public.
SENT_OPENLY: list[tuple[dict[str, str], str]] = [
    *(
        ({"IS2_DATABASE_URL": f"{DB}{where}"}, f"IS2_DATABASE_URL leads off this machine and sslmode={mode}")
        for where, mode in (
            ("db/is2", "prefer verifies nobody"),
            ("10.0.0.5:5432/is2?sslmode=disable", "disable verifies nobody"),
            (
                "db.example.com/is2?sslmode=require",
                "require encrypts towards whoever answers, which is not verification",
            ),
            ("db.example.com/is2?sslmode=verify-ca", "verify-ca takes any certificate"),
            ("/is2?host=db.example.com", "prefer"),
            ("127.0.0.1/is2?hostaddr=10.0.0.5", "prefer"),
            ("/is2?host=localhost,db.example.com", "prefer"),
            ("/is2?service=remote", "prefer"),
            ("localhost.example.com/is2", "prefer"),
        )
    ),
    ({"IS2_DATABASE_URL": f"{DB}/is2", "PGHOST": "db.example.com"}, "sslmode=prefer verifies nobody"),
    ({"IS2_REDIS_URL": f"{REDIS}redis:6379/0"}, "IS2_REDIS_URL leads off this machine without TLS: write rediss://"),
    ({"IS2_REDIS_URL": f"{REDIS}127.0.0.1.example.com/0"}, "IS2_REDIS_URL leads off this machine without TLS"),
    *(
        ({"IS2_REDIS_URL": f"rediss://:hunter2@redis/0?{option}"}, UNVERIFIED + option.partition("=")[0])
        for option in (
            "ssl_cert_reqs=none",
            "ssl_cert_reqs=optional",
            "ssl_check_hostname=false",
            "ssl_check_hostname=0",
            "ssl_exclude_verify_flags=VERIFY_X509_STRICT",
            "ssl_min_version=769",
            "ssl_ciphers=NULL",
            "ssl_cert_reqs=required&ssl_cert_reqs=none",
        )
    ),
    *(
        (
            {name: "1"},
            f"{name} is for trials on one machine, and IS2_PUBLIC_URL is https://is2.example.com: take {name} out",
        )
        for name in ("IS2_CLOCK_OFFSET", "IS2_ALLOW_PLAIN_HTTP", "IS2_ALLOW_PRIVATE_HOSTS")
    ),
    ({"IS2_ALLOW_PLAINTEXT": "redis,all"}, "IS2_ALLOW_PLAINTEXT names 'all': write one or more of database, redis"),
    ({"IS2_SESSION_SECRET": "short"}, "IS2_SESSION_SECRET must be at least 32 characters: make one with"),
    *(
        ({"IS2_SESSION_SECRET": secret}, "IS2_SESSION_SECRET can be guessed")
        for secret in ("a" * 40, "0123456789" * 4, "Password1" * 5, "abcdefghijklmnopqrstuvwxyz9876543210", "ab" * 20)
    ),
]


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A migrated database without rows, whose keys are those of the tests."""
    use_keyring(Keyring.parse(KEYS))
    made = Database(database_url)
    yield made
    use_keyring(Keyring.parse(KEYS))
    made.dispose()


def refusal(url: str) -> str:
    """The one line a database is refused by."""
    refused = Database(url)
    with pytest.raises(CannotStart) as caught:
        check_database(refused)
    refused.dispose()
    (line,) = str(caught.value).splitlines()
    return line


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `is2` as an operator does."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *command],
        cwd=ROOT,
        env={**ENVIRONMENT, "PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "environment", "line"),
    [
        (("worker",), {}, "Error: The database has no tables: run `is2 db upgrade`."),
        (
            ("dispatcher",),
            {"IS2_ENCRYPTION_KEYS": ANOTHER_KEY},
            "IS2_ENCRYPTION_KEYS are not the keys of this database",
        ),
    ],
)
def test_field_A8_a_process_that_cannot_work_ends_with_one_line(
    command: tuple[str, ...], environment: dict[str, str], line: str, sqlite_url: str, tmp_path: Path
) -> None:
    use_keyring(Keyring.parse(KEYS))
    check_database(Database(sqlite_url))
    database = sqlite_url if environment else f"sqlite:///{tmp_path / 'new.db'}"
    ended = run(*command, **{"IS2_DATABASE_URL": database, **environment})
    assert ended.returncode == 1
    assert line in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr


def test_field_A8_a_panel_and_a_command_that_cannot_work_end_with_one_line(sqlite_url: str, tmp_path: Path) -> None:
    platform = build_platform(make_config(sqlite_url))
    with pytest.raises(CannotStart, match=r"^IS2_REDIS_URL: Redis at redis://127\.0\.0\.1:1 cannot be used: "):
        serve(platform, "127.0.0.1", 0)
    nowhere = {**ENVIRONMENT, "IS2_DATABASE_URL": "sqlite:////no/such/folder/is2.db"}
    refused = CliRunner().invoke(main, ["account", "create", "Contoso"], env=nowhere)
    assert (refused.exit_code, len(refused.output.splitlines())) == (1, 1)
    assert "is2.db cannot be used: unable to open database file" in refused.output


@pytest.mark.parametrize("revision", [None, "0006", "9999"])
def test_field_A8_another_revision_is_refused(db: Database, revision: str | None) -> None:
    with db.write() as session:
        newest = session.scalar(sa.text("SELECT version_num FROM alembic_version"))
        if revision is None:
            session.execute(sa.text("DELETE FROM alembic_version"))
        else:
            session.execute(sa.text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    said = {
        None: "has no tables: run `is2 db upgrade`",
        "0006": "at revision 0006, this release needs ",
        "9999": "later",
    }
    try:
        assert said[revision] in refusal(db.url)
        if revision == "9999":
            with pytest.raises(CannotStart, match="later release"):
                upgrade_database(db)
    finally:
        with db.write() as session:
            session.execute(sa.text("DELETE FROM alembic_version"))
            session.execute(sa.text("INSERT INTO alembic_version VALUES (:r)"), {"r": newest})


def test_field_A8_other_keys_are_refused(db: Database) -> None:
    check_database(db)
    check_database(db)
    with db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(KeyCanary)) == 1
    for keys, problem in (
        (ANOTHER_KEY, "another content"),
        (Keyring.generate("k2"), "key 'test' is not in the keyring"),
    ):
        use_keyring(Keyring.parse(keys))
        assert problem in refusal(db.url)
        assert keys.partition(":")[2] not in refusal(db.url)
        # In front of the right one it is a change of keys.
        use_keyring(Keyring.parse(f"{Keyring.generate('new')},{KEYS}"))
        check_database(db)


def test_a_key_may_be_taken_away_once_everything_is_sealed_with_the_next(db: Database) -> None:
    check_database(db)
    newer = Keyring.generate("newer")
    use_keyring(Keyring.parse(newer))
    assert "key 'test' is not in the keyring" in refusal(db.url)
    use_keyring(Keyring.parse(f"{newer},{KEYS}"))
    assert reseal(db.write, all_steps()) == 1
    use_keyring(Keyring.parse(newer))
    check_database(db)
    use_keyring(Keyring.parse(KEYS))
    assert "key 'newer' is not in the keyring" in refusal(db.url)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_other_keys_are_refused_where_no_canary_was_stored_yet(db: Database) -> None:
    """A database of the release before, upgraded with the keys of another installation."""
    fill(db)
    with db.write() as session:
        session.execute(sa.delete(KeyCanary))
    use_keyring(Keyring.parse(ANOTHER_KEY))
    assert "another content" in refusal(db.url)
    use_keyring(Keyring.parse(KEYS))
    check_database(db)


def test_a_database_that_takes_no_writes_is_refused(tmp_path: Path, sqlite_template: Path) -> None:
    use_keyring(Keyring.parse(KEYS))
    url = f"sqlite:///file:{sqlite_template}?mode=ro&uri=true"
    assert "attempt to write a readonly database" in refusal(url)


@pytest.mark.postgres
def test_field_A8_a_wrong_password_is_told_without_it(postgres: PostgresServer) -> None:
    url = postgres.url("test_is2")
    host = url.partition("?host=")[2]
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as session:
        session.execute("DROP ROLE IF EXISTS locked")
        session.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
        found = session.execute("SHOW hba_file").fetchone()
        assert found is not None
        rules = Path(str(found[0]))
        kept = rules.read_text()
        rules.write_text(f"local all locked scram-sha-256\n{kept}")
        session.execute("SELECT pg_reload_conf()")
        try:
            wrong = url.replace("postgres@", "locked:hunter2@")
            until(lambda: "password authentication failed" in _refusal(wrong))
            assert _refusal(wrong).startswith("IS2_DATABASE_URL: the database postgresql+psycopg://locked:***@")
            assert "hunter2" not in _refusal(wrong) and "\n" not in _refusal(wrong)
        finally:
            rules.write_text(kept)
            session.execute("SELECT pg_reload_conf()")


def _refusal(url: str) -> str:
    made = Database(url)
    try:
        check_database(made)
    except CannotStart as error:
        return str(error)
    finally:
        made.dispose()
    return ""


def test_field_A8_a_redis_is_refused_that_cannot_be_written_or_forgets(redis_url: str) -> None:
    check_redis(redis_url)
    with redis.Redis.from_url(redis_url) as connection:
        connection.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(CannotStart, match=r"maxmemory-policy allkeys-lru.*noeviction"):
                check_redis(redis_url)
        finally:
            connection.config_set("maxmemory-policy", "noeviction")
        connection.config_set("requirepass", "right")
        try:
            for address in (redis_url, redis_url.replace("unix://", "unix://:hunter2@")):
                with pytest.raises(CannotStart, match="the password is missing or wrong") as refused:
                    check_redis(address)
                assert "hunter2" not in str(refused.value)
        finally:
            connection.auth("right")
            connection.config_set("requirepass", "")


def test_a_redis_that_keeps_nothing_is_warned_about(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    check_redis(redis_url)
    assert caplog.messages == []
    with redis.Redis.from_url(redis_url) as connection:
        connection.config_set("appendonly", "no")
        check_redis(redis_url)
        connection.config_set("appendonly", "yes")
    assert [message.partition(" (")[0] for message in caplog.messages] == ["Redis keeps nothing on disk"]


def test_field_A8_a_worker_looks_in_a_child(sqlite_template: Path, redis_url: str, tmp_path: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "is2.db")
    platform = build_platform(make_config(f"sqlite:///{tmp_path / 'is2.db'}", redis_url))
    opened: list[object] = []
    sa.event.listen(platform.db.engine, "connect", lambda connection, record: opened.append(connection))
    check_start_in_child(platform)
    with redis.Redis.from_url(redis_url) as connection:
        connection.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(CannotStart, match="noeviction"):
                check_start_in_child(platform)
        finally:
            connection.config_set("maxmemory-policy", "noeviction")
    assert opened == []


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"IS2_PUBLIC_URL": "http://is2.example.com"},
            "IS2_PUBLIC_URL is http://is2.example.com, and passwords would travel in plain text: give the https",
        ),
        ({"IS2_PUBLIC_URL": "https://is2.example.com/panel"}, "give scheme and host only"),
        ({"IS2_PUBLIC_URL": "https://is2.example.com/?x=1"}, "give scheme and host only"),
        ({"IS2_PUBLIC_URL": "is2.example.com"}, "give scheme and host only"),
        ({"IS2_PUBLIC_URL": "https://ann:pw@is2.example.com"}, "give scheme and host only"),
        ({"IS2_PUBLIC_URL": "https://is2.example.com:80x"}, "give scheme and host only"),
        ({"IS2_ALLOW_PLAIN_HTTP": "ture"}, "IS2_ALLOW_PLAIN_HTTP is 'ture': write 1 for yes"),
        (
            {"IS2_DATABASE_URL": "postgres://is2:hunter2@db/is2"},
            "IS2_DATABASE_URL must begin with postgresql+psycopg://",
        ),
        ({"IS2_DATABASE_URL": "postgresql+psycopg://is2:hun@ter2@db:x/is2"}, "IS2_DATABASE_URL cannot be read"),
        ({"IS2_DATABASE_URL": "sqlite:///:memory:"}, "no database that several processes could share"),
        ({"IS2_REDIS_URL": "127.0.0.1:6379"}, "IS2_REDIS_URL must begin with redis://"),
        ({"IS2_REDIS_URL": "redis://:hunter2@redis:63x79"}, "IS2_REDIS_URL cannot be read"),
        *SENT_OPENLY,
        ({"IS2_TIMEZONE": "Mars/Olympus"}, "IS2_TIMEZONE: there is no time zone 'Mars/Olympus'"),
    ],
)
def test_field_H4_addresses_and_flags_must_fit_together(changed: dict[str, str], line: str) -> None:
    with pytest.raises(CannotStart) as refused:
        Config.from_environment({**ENVIRONMENT, **changed})
    assert line in str(refused.value)
    assert "hunter2" not in str(refused.value) and "ter2" not in str(refused.value)


@pytest.mark.unit
def test_field_H4_what_fits_is_taken() -> None:
    for given, kept in (
        ("https://is2.example.com/", "https://is2.example.com"),
        ("HTTPS://is2.example.com:8443", "https://is2.example.com:8443"),
    ):
        assert Config.from_environment({**ENVIRONMENT, "IS2_PUBLIC_URL": given}).public_url == kept
    plain = {"IS2_PUBLIC_URL": "http://127.0.0.1:9000", "IS2_ALLOW_PLAIN_HTTP": "1"}
    Config.from_environment({**ENVIRONMENT, **plain}).check_sign_in()
    without = {name: value for name, value in ENVIRONMENT.items() if name != "IS2_PUBLIC_URL"}
    # A worker needs no address; a panel would answer where nobody can sign in.
    with pytest.raises(ConfigError, match="nobody can sign in"):
        Config.from_environment(without).check_sign_in()


@pytest.mark.unit
@pytest.mark.parametrize(
    "changed",
    [
        {"IS2_DATABASE_URL": f"{DB}db.example.com/is2?sslmode=verify-full&sslrootcert=/etc/ca.pem"},
        {"IS2_DATABASE_URL": f"{DB}127.0.0.1/is2"},
        {"IS2_DATABASE_URL": f"{DB}[::1]/is2"},
        {"IS2_DATABASE_URL": f"{DB}/is2?host=/run/postgresql"},
        {"IS2_DATABASE_URL": f"{DB}/is2"},
        {"IS2_DATABASE_URL": f"{DB}db.example.com/is2", "PGSSLMODE": "verify-full"},
        {
            "IS2_DATABASE_URL": f"{DB}db/is2",
            "IS2_REDIS_URL": f"{REDIS}redis/0",
            "IS2_ALLOW_PLAINTEXT": "redis, database",
        },
        {"IS2_REDIS_URL": "rediss://:hunter2@redis.example.com/0?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=required"},
        {"IS2_REDIS_URL": "unix:///run/redis.sock"},
        {"IS2_PUBLIC_URL": "http://is2.internal", "IS2_ALLOW_PLAINTEXT": "panel"},
    ],
)
def test_links_that_are_verified_or_allowed_by_name_are_taken(changed: dict[str, str]) -> None:
    config = Config.from_environment({**ENVIRONMENT, **changed})
    assert config.sends_cookies_in_plaintext == ("panel" in changed.get("IS2_ALLOW_PLAINTEXT", ""))
    assert config.is_production


@pytest.mark.unit
def test_secrets_drawn_at_random_are_taken() -> None:
    for _ in range(300):
        for secret in (token_hex(16), token_hex(32), token_urlsafe(24), token_urlsafe(48)):
            assert secret_problem(secret) == ""


@pytest.mark.unit
def test_field_H4_misspelt_names_are_told_with_the_nearest() -> None:
    assert warnings({**ENVIRONMENT, "IS2_DATABASE_URL_FILE": "x", "PATH": "/bin"}) == []
    told = warnings({**ENVIRONMENT, "IS2_PUBLIC_ULR": "x", "is2_timezone": "UTC", "IS2_COLOUR": "red"})
    assert told == [
        "IS2_COLOUR is no setting of IS2 and is ignored",
        "IS2_PUBLIC_ULR is no setting of IS2 and is ignored; did you mean IS2_PUBLIC_URL?",
        "is2_timezone is no setting of IS2 and is ignored; did you mean IS2_TIMEZONE?",
    ]
    assert len(warnings({**ENVIRONMENT, "IS2_ALLOW_PLAIN_HTTP": "1"})) == 1


@pytest.mark.unit
def test_every_setting_that_is_read_is_listed() -> None:
    table = (ROOT / "README.md").read_text().partition("## Settings")[2]
    rows = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `IS2_")}
    assert rows == set(NAMES)


def test_field_H4_a_taken_port_is_one_line(sqlite_url: str, redis_url: str) -> None:
    use_keyring(Keyring.parse(KEYS))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = f"cannot listen on 127.0.0.1, port {port}: Address already in use."
        ended = run("web", "--port", str(port), IS2_DATABASE_URL=sqlite_url, IS2_REDIS_URL=redis_url)
        assert (ended.returncode, ended.stderr) == (1, f"Error: The panel {line}\n")
        simulator = CliRunner().invoke(main, ["amazon-simulator", "--port", str(port)])
        assert (simulator.exit_code, simulator.output) == (1, f"Error: The simulator {line}\n")
