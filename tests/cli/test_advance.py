"""`is2 advance`: both clocks move together, or none does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from cli.trial import TrialFolder, use_simulator
from is2_core.admin import cart_setup, clock_offset
from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.platform import Platform
from tests.conftest import KEYS, make_config
from tests.support.amazon import APPLICATION, SimulatedAmazon

SLACK = timedelta(minutes=5)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Commands are tested on one kind of database; the functions below them on both."""
    return sqlite_url


@pytest.fixture
def trial(database_url: str, carts: CartRegistry, amazon: SimulatedAmazon) -> Iterator[Platform]:
    """A platform that speaks to a running simulator."""
    made = build_platform(replace(make_config(database_url), clock_offset=True), carts=carts)
    use_simulator(made, amazon.address)
    yield made
    made.db.dispose()


def advance(database_url: str | None, *arguments: str, data: Path, **environment: str | None) -> Result:
    """Run `is2 advance`; a variable that is None is not set."""
    settings: dict[str, str | None] = {
        "IS2_DATABASE_URL": database_url,
        "IS2_REDIS_URL": "redis://127.0.0.1:1",
        "IS2_ENCRYPTION_KEYS": KEYS,
        "IS2_SESSION_SECRET": "a session secret for tests, 40 letters",
        "IS2_CLOCK_OFFSET": "1",
        **environment,
    }
    return CliRunner().invoke(main, ["advance", "--data", str(data), *arguments], env=settings)


def simulator_offset(amazon: SimulatedAmazon) -> float:
    return float(amazon.get("clock")["offset_s"])


@pytest.mark.parametrize(
    ("typed", "moved"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        ("3D", timedelta(days=3)),
    ],
)
def test_both_clocks_move_and_are_printed(
    trial: Platform, database_url: str, amazon: SimulatedAmazon, tmp_path: Path, *, typed: str, moved: timedelta
) -> None:
    done = advance(database_url, typed, data=tmp_path)
    assert done.exit_code == 0, done.output
    assert clock_offset.offset_of(trial) == moved
    assert simulator_offset(amazon) == moved.total_seconds()
    ours, theirs = (" ".join(line.split()[-3:-1]) for line in done.output.splitlines())
    assert abs(datetime.fromisoformat(ours).replace(tzinfo=UTC) - datetime.now(UTC) - moved) < SLACK
    assert theirs in amazon.get("clock")["now"].replace("T", " ")


def test_a_running_trial_is_found_in_its_folder(
    trial: Platform, database_url: str, amazon: SimulatedAmazon, tmp_path: Path
) -> None:
    folder = TrialFolder(tmp_path / "data")
    folder.path.mkdir()
    (folder.path / "encryption-keys").write_text(KEYS)
    folder.make()
    folder.write("addresses.json", {"panel": "http://127.0.0.1:1", "simulator": amazon.address})
    # As in a shell of its own: only where the data are is known there.
    own = ("IS2_ENCRYPTION_KEYS", "IS2_SESSION_SECRET", "IS2_REDIS_URL", "IS2_CLOCK_OFFSET")
    bare: dict[str, str | None] = dict.fromkeys(own)
    done = advance(database_url, "12h", data=folder.path, **bare)
    assert done.exit_code == 0, done.output
    assert clock_offset.offset_of(trial) == timedelta(hours=12)


def test_without_a_trial_it_says_how_to_start_one(database_url: str, tmp_path: Path) -> None:
    refused = advance(None, "12h", data=tmp_path)
    assert refused.exit_code == 1
    assert f"is2 up --data {tmp_path}" in refused.output


def test_real_time_is_not_moved(trial: Platform, database_url: str, amazon: SimulatedAmazon, tmp_path: Path) -> None:
    refused = advance(database_url, "12h", data=tmp_path, IS2_CLOCK_OFFSET=None)
    assert refused.exit_code == 1
    assert "only a trial's clock can be moved" in refused.output
    assert simulator_offset(amazon) == 0


def test_nothing_moves_where_the_simulator_is_away(trial: Platform, database_url: str, tmp_path: Path) -> None:
    use_simulator(trial, "http://127.0.0.1:1")
    refused = advance(database_url, "12h", data=tmp_path)
    assert refused.exit_code == 1
    assert "does not answer" in refused.output
    assert clock_offset.offset_of(trial) == timedelta(0)


def test_nothing_moves_where_the_shop_is_real(
    trial: Platform, database_url: str, amazon: SimulatedAmazon, tmp_path: Path
) -> None:
    environments = [entry.code for entry in trial.carts.manifest("amazon").environments if entry.code != "simulator"]
    cart_setup.save_cart_settings(trial, "amazon", environments[0], {**APPLICATION, "simulator_url": amazon.address})
    refused = advance(database_url, "12h", data=tmp_path)
    assert refused.exit_code == 1
    assert "the real Amazon" in refused.output
    assert (clock_offset.offset_of(trial), simulator_offset(amazon)) == (timedelta(0), 0)


@pytest.mark.parametrize(
    ("typed", "words"),
    [("12", "no duration"), ("-3h", "No such option"), ("1w", "no duration"), ("0s", "one second"), ("400d", "366")],
)
def test_what_is_no_duration_is_refused(
    trial: Platform, database_url: str, amazon: SimulatedAmazon, tmp_path: Path, *, typed: str, words: str
) -> None:
    refused = advance(database_url, typed, data=tmp_path)
    assert refused.exit_code in (1, 2)
    assert words in refused.output
    assert (clock_offset.offset_of(trial), simulator_offset(amazon)) == (timedelta(0), 0)
