"""The commands of an operator, and those that plugins bring."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main as main_module
from cli.main import main
from is2_core.accounts.states import MemberRole, Role
from is2_core.accounts.users import sign_in
from is2_core.crypto import Keyring
from is2_core.platform import Platform
from tests.conftest import KEYS


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Commands are tested on one kind of database; the functions below them on both."""
    return sqlite_url


def run(database_url: str, *arguments: str, typed: str | None = None) -> Result:
    """Run `is2` with an environment of its own."""
    environment = {
        "IS2_DATABASE_URL": database_url,
        "IS2_REDIS_URL": "redis://127.0.0.1:1",
        "IS2_ENCRYPTION_KEYS": KEYS,
        "IS2_SESSION_SECRET": "a session secret for tests, 40 letters",
    }
    return CliRunner().invoke(main, arguments, input=typed, env=environment)


def test_people_are_made_without_the_panel(database_url: str, platform: Platform, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("A long pass phrase 1\n")
    made = run(database_url, "admin", "create", "root@example.com", "--password-file", str(password))
    assert made.exit_code == 0, made.output
    admin = sign_in(platform, "root@example.com", "A long pass phrase 1")
    assert admin is not None and admin.role == Role.ADMIN

    assert run(database_url, "account", "create", "Contoso").exit_code == 0
    made = run(database_url, "user", "create", "carol@example.com", "--account", "Contoso", "--as", "member",
               "--generate-password")  # fmt: skip
    assert made.exit_code == 0, made.output
    carol = sign_in(platform, "carol@example.com", made.output.rpartition("only now: ")[2].strip())
    assert carol is not None
    assert [(place.name, place.role) for place in carol.accounts] == [("Contoso", MemberRole.MEMBER)]


def test_a_password_can_be_typed(database_url: str, platform: Platform) -> None:
    typed = "A long pass phrase 2\n" * 2
    made = run(database_url, "user", "create", "walt@example.com", "--role", "warehouse", typed=typed)
    assert made.exit_code == 0, made.output
    assert "pass phrase" not in made.output
    assert sign_in(platform, "walt@example.com", "A long pass phrase 2") is not None


def test_people_are_changed_without_the_panel(database_url: str, platform: Platform) -> None:
    typed = "A long pass phrase 2\n" * 2
    assert run(database_url, "user", "create", "walt@example.com", "--role", "warehouse", typed=typed).exit_code == 0
    assert run(database_url, "account", "create", "Contoso").exit_code == 0
    assert "is disabled." in run(database_url, "user", "disable", "Walt@example.com").output
    assert sign_in(platform, "walt@example.com", "A long pass phrase 2") is None
    assert "can sign in." in run(database_url, "user", "enable", "walt@example.com").output
    assert sign_in(platform, "walt@example.com", "A long pass phrase 2") is not None
    changed = run(database_url, "user", "set-password", "walt@example.com", "--generate-password")
    assert sign_in(platform, "walt@example.com", changed.output.rpartition("only now: ")[2].strip()) is not None
    changed = run(database_url, "user", "set-role", "walt@example.com", "merchant", "--account", "Contoso")
    assert "is merchant now." in changed.output
    refused = run(database_url, "user", "set-role", "walt@example.com", "admin", "--account", "Contoso")
    assert (refused.exit_code, "belongs to an account" in refused.output) == (1, True)
    weak = run(database_url, "user", "set-password", "walt@example.com", typed="aaaaaaaaaaaaaaa\n" * 2)
    assert (weak.exit_code, "easy to guess" in weak.output) == (1, True)


def test_the_only_administrator_is_not_disabled_by_a_command(database_url: str, platform: Platform) -> None:
    made = run(database_url, "admin", "create", "root@example.com", "--generate-password")
    assert made.exit_code == 0, made.output
    for command in (("disable", "root@example.com"), ("set-role", "root@example.com", "support")):
        refused = run(database_url, "user", *command)
        assert (refused.exit_code, "only administrator" in refused.output) == (1, True)
    refused = run(database_url, "user", "disable", "nobody@example.com")
    assert (refused.exit_code, "There is no user" in refused.output) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("user", "create", "x@example.com", "--account", "Nobody"), "There is no account named Nobody"),
        (("user", "create", "x@example.com"), "A merchant's user belongs to an account"),
        (("admin", "create", "no address"), "Give an e-mail address"),
        (("account", "create", " "), "Give the account a name"),
    ],
)
def test_refusals_are_sentences(database_url: str, arguments: tuple[str, ...], message: str) -> None:
    options = () if arguments[0] == "account" else ("--generate-password",)
    refused = run(database_url, *arguments, *options)
    assert refused.exit_code == 1
    assert message in refused.output
    assert "Traceback" not in refused.output


def test_a_database_without_tables_says_what_to_run(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    refused = run(url, "account", "create", "Contoso")
    assert "is2 db upgrade" in refused.output
    assert run(url, "db", "upgrade").exit_code == 0
    assert run(url, "account", "create", "Contoso").exit_code == 0


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IS2_ENCRYPTION_KEYS", raising=False)
    refused = CliRunner().invoke(main, ["db", "upgrade"], env={"IS2_ENCRYPTION_KEYS": ""})
    assert refused.exit_code == 1
    assert "IS2_ENCRYPTION_KEYS" in refused.output


def test_a_generated_key_fits_in_front_of_an_old_one() -> None:
    made = CliRunner().invoke(main, ["keys", "generate", "--id", "k2"])
    keyring = Keyring.parse(f"{made.output.strip()},{KEYS}")
    assert keyring.current == "k2"


def test_a_broken_command_is_listed_and_takes_no_other_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry_points(group: str) -> list[EntryPoint]:
        return [
            EntryPoint("gone-away", "no_such_module:command", group),
            EntryPoint("nothing", "json:dumps", group),
        ]

    monkeypatch.setattr(main_module, "entry_points", entry_points)
    listed = CliRunner().invoke(main, ["--help"])
    assert listed.exit_code == 0
    assert "gone-away" in listed.output and "keys" in listed.output
    refused = CliRunner().invoke(main, ["gone-away", "--some", "thing"])
    assert refused.exit_code == 1
    assert "could not be loaded" in refused.output and "no_such_module" in refused.output
    assert "holds no command" in CliRunner().invoke(main, ["nothing"]).output


def test_access_is_reviewed_by_a_command(database_url: str) -> None:
    run(database_url, "admin", "create", "ada@example.com", "--generate-password")
    listed = run(database_url, "user", "review")
    assert "ada@example.com\tadmin\t-\tno second factor\tunused for 0 days" in listed.output
    assert "Never reviewed." in listed.output
    assert "Reviewed by the command line" in run(database_url, "user", "review", "--done").output
