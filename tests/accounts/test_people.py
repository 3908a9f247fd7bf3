"""Users are disabled and enabled, get passwords and roles; one administrator always remains."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from is2_core.accounts import people, roles, users
from is2_core.accounts.models import User
from is2_core.accounts.sessions import rows
from is2_core.accounts.signing_in.own_password import change_own_password
from is2_core.accounts.states import MemberRole, Role
from is2_core.accounts.users import SignedIn
from is2_core.clock import VirtualClock
from is2_core.errors import BadInput, Conflict, FlowError, Forbidden, NotFound
from is2_core.platform import Platform

PASSWORD, OTHER = "A long pass phrase 1", "Another long pass phrase 2"


@pytest.fixture
def ada(platform: Platform) -> int:
    return make(platform, "ada@example.com", Role.ADMIN)


@pytest.fixture
def bea(platform: Platform) -> int:
    return make(platform, "bea@example.com", Role.ADMIN)


@pytest.fixture
def account(platform: Platform) -> int:
    return users.create_account(platform, "Northwind")


@pytest.fixture
def mia(platform: Platform, account: int) -> int:
    return users.create_user(platform, email="mia@example.com", name="Mia", password=PASSWORD, account_id=account)


def make(platform: Platform, email: str, role: Role) -> int:
    return users.create_user(platform, email=email, name="", password=PASSWORD, role=role)


def user(platform: Platform, user_id: int) -> User:
    with platform.db.read() as session:
        return session.get_one(User, user_id)


def in_session(platform: Platform, user_id: int, epoch: int) -> bool:
    """Whether a session that began at this epoch goes on."""
    now = platform.clock.now()
    begun = SignedIn(user_id, "", "", "", epoch, ())
    return rows.find(platform, rows.begin(platform, begun, now=now, address="", browser=""), now) is not None


def test_disabling_ends_sessions_and_enabling_brings_none_back(platform: Platform, ada: int, mia: int) -> None:
    epoch = user(platform, mia).session_epoch
    people.set_enabled(platform, user_id=mia, enabled=False, by=ada)
    assert not in_session(platform, mia, epoch)
    assert users.sign_in(platform, "mia@example.com", PASSWORD) is None
    people.set_enabled(platform, user_id=mia, enabled=True, by=ada)
    assert not in_session(platform, mia, epoch)
    assert users.sign_in(platform, "mia@example.com", PASSWORD) is not None


def test_a_disabled_users_tries_count_like_anybodys(platform: Platform, ada: int, mia: int) -> None:
    people.set_enabled(platform, user_id=mia, enabled=False, by=ada)
    for password in (PASSWORD, "not the password"):
        before = user(platform, mia).failed_logins
        assert users.sign_in(platform, "mia@example.com", password) is None
        assert user(platform, mia).failed_logins == before + 1


def test_the_last_sign_in_is_noted(platform: Platform, clock: VirtualClock, mia: int) -> None:
    assert people.person(platform, mia).last_sign_in_at is None
    assert users.sign_in(platform, "mia@example.com", "not the password") is None
    assert people.person(platform, mia).last_sign_in_at is None
    assert users.sign_in(platform, "MIA@example.com ", PASSWORD) is not None
    assert people.person(platform, mia).last_sign_in_at == clock.now()


@pytest.mark.parametrize("email", ["mia\0@example.com", "\0", "mia@example.com\n\0", "\ud800"])
def test_an_address_no_database_takes_is_nobodys(platform: Platform, mia: int, email: str) -> None:
    assert users.sign_in(platform, email, PASSWORD) is None
    with pytest.raises(NotFound):
        people.user_id_of(platform, email)


def test_a_password_that_is_set_ends_sessions_and_a_lock(platform: Platform, ada: int, mia: int) -> None:
    epoch = user(platform, mia).session_epoch
    for _ in range(10):
        users.sign_in(platform, "mia@example.com", "not the password")
    assert users.sign_in(platform, "mia@example.com", PASSWORD) is None
    with pytest.raises(BadInput, match="easy to guess"):
        people.set_password(platform, user_id=mia, password="Mia of Northwind 1", by=ada)
    people.set_password(platform, user_id=mia, password=OTHER, by=ada)
    assert not in_session(platform, mia, epoch)
    assert users.sign_in(platform, "mia@example.com", PASSWORD) is None
    assert users.sign_in(platform, "mia@example.com", OTHER) is not None


def test_the_own_password_takes_the_current_one(platform: Platform, mia: int) -> None:
    epoch = user(platform, mia).session_epoch
    with pytest.raises(BadInput) as refused:
        change_own_password(platform, user_id=mia, current="not the password", new=OTHER)
    assert refused.value.field == "current"
    assert user(platform, mia).failed_logins == 1, "whoever holds the browser must not guess on"
    with pytest.raises(BadInput, match="already"):
        change_own_password(platform, user_id=mia, current=PASSWORD, new=PASSWORD)
    with pytest.raises(BadInput, match="easy to guess"):
        change_own_password(platform, user_id=mia, current=PASSWORD, new="aaaaaaaaaaaaaaa")
    assert in_session(platform, mia, epoch)
    own = change_own_password(platform, user_id=mia, current=PASSWORD, new=OTHER)
    assert not in_session(platform, mia, epoch)
    assert in_session(platform, mia, own.session_epoch)
    assert users.sign_in(platform, "mia@example.com", OTHER) is not None


def test_ten_wrong_current_passwords_lock(platform: Platform, mia: int) -> None:
    for _ in range(10):
        with pytest.raises(BadInput):
            change_own_password(platform, user_id=mia, current="not the password", new=OTHER)
    with pytest.raises(BadInput):
        change_own_password(platform, user_id=mia, current=PASSWORD, new=OTHER)


def test_roles_go_with_accounts(platform: Platform, ada: int, mia: int, account: int) -> None:
    epoch = user(platform, mia).session_epoch
    roles.change_role(platform, user_id=mia, role=Role.SUPPORT, by=ada)
    changed = people.person(platform, mia)
    assert (changed.role, changed.places) == (Role.SUPPORT, ())
    assert not in_session(platform, mia, epoch)
    for role, account_id, field in (
        (Role.MERCHANT, None, "account"),
        (Role.MERCHANT, 10_000, "account"),
        (Role.WAREHOUSE, account, "account"),
        ("owner", None, "role"),
    ):
        with pytest.raises(BadInput) as refused:
            roles.change_role(platform, user_id=mia, role=role, account_id=account_id, by=ada)
        assert refused.value.field == field
    assert people.person(platform, mia) == changed, "nothing half-written"
    roles.change_role(platform, user_id=mia, role=Role.MERCHANT, account_id=account, by=ada)
    assert people.person(platform, mia).places == (("Northwind", MemberRole.MEMBER),)
    second = users.create_account(platform, "Contoso")
    for member_role in MemberRole:
        roles.change_role(platform, user_id=mia, role=Role.MERCHANT, account_id=second, member_role=member_role, by=ada)
        assert people.person(platform, mia).places == (("Contoso", member_role), ("Northwind", MemberRole.MEMBER))


def test_nobody_locks_the_last_administrator_out(platform: Platform, ada: int, bea: int) -> None:
    with pytest.raises(Conflict, match="yourself"):
        people.set_enabled(platform, user_id=ada, enabled=False, by=ada)
    with pytest.raises(Conflict, match="your own role"):
        roles.change_role(platform, user_id=ada, role=Role.SUPPORT, by=ada)
    with pytest.raises(Conflict, match="own password"):
        people.set_password(platform, user_id=ada, password=OTHER, by=ada)
    people.set_enabled(platform, user_id=bea, enabled=False, by=ada)
    with pytest.raises(Forbidden):
        people.set_enabled(platform, user_id=ada, enabled=False, by=bea)
    with pytest.raises(Conflict, match="only administrator"):
        people.set_enabled(platform, user_id=ada, enabled=False, by=None)
    with pytest.raises(Conflict, match="only administrator"):
        roles.change_role(platform, user_id=ada, role=Role.WAREHOUSE, by=None)
    with pytest.raises(NotFound):
        people.set_enabled(platform, user_id=10_000, enabled=False, by=ada)


def test_of_two_administrators_who_disable_each_other_one_remains(platform: Platform, ada: int, bea: int) -> None:
    def disable(user_id: int, by: int) -> str:
        try:
            people.set_enabled(platform, user_id=user_id, enabled=False, by=by)
        except FlowError as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(2) as pool:
        # Both are under way before either can write.
        with platform.db.write() as session:
            session.execute(sa.select(User.id).order_by(User.id).with_for_update())
            both = [pool.submit(disable, bea, ada), pool.submit(disable, ada, bea)]
            _until_waiting(platform, 2)
        assert sorted(each.result() for each in both) == ["Forbidden", "done"]
    assert sorted([user(platform, ada).disabled, user(platform, bea).disabled]) == [False, True]


def test_of_two_who_make_the_same_user_one_is_told(platform: Platform, clock: VirtualClock) -> None:
    with ThreadPoolExecutor(1) as pool:
        with platform.db.write() as session:
            session.add(User(email="w@example.com", name="W", password_hash="", created_at=clock.now()))
            session.flush()
            second = pool.submit(make, platform, "W@example.com", Role.WAREHOUSE)
            _until_waiting(platform, 1)
        assert isinstance(second.exception(timeout=30), Conflict)


def _until_waiting(platform: Platform, count: int) -> None:
    """Wait until so many wait for what this unit of work holds."""
    if platform.db.is_sqlite:
        return  # a writer waits before it reads
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        with platform.db.engine.connect() as connection:
            if connection.execute(sa.text(waiting)).scalar_one() >= count:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waited")


def test_people_are_found_page_by_page(platform: Platform, ada: int, mia: int) -> None:
    for number in range(5):
        make(platform, f"w{number}_100%@example.com", Role.WAREHOUSE)

    def found(search: str, number: int = 1) -> tuple[list[str], int, int]:
        page = people.list_people(platform, search=search, number=number, per_page=2)
        return [row.email for row in page.rows], page.number, page.total

    assert found("") == (["ada@example.com", "mia@example.com"], 1, 7)
    assert found("", 10**30) == (["w4_100%@example.com"], 4, 7)
    assert found("", -1)[1] == 1
    assert found("northw") == (["mia@example.com"], 1, 1)
    assert found("0%@")[2] == 5
    assert found("%%") == ([], 1, 0)


def test_what_was_changed_is_logged_without_secrets(
    platform: Platform, ada: int, mia: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    people.set_enabled(platform, user_id=mia, enabled=False, by=ada)
    people.set_password(platform, user_id=mia, password=OTHER, by=None)
    roles.change_role(platform, user_id=mia, role=Role.SUPPORT, by=ada)
    people.end_sessions(platform, user_id=mia, by=ada)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("is2_core.accounts")]
    assert lines == [
        f"user {mia} was disabled by user {ada}",
        f"the password of user {mia} was set by the command line",
        f"user {mia} was made support by user {ada}",
        f"the sessions of user {mia} were ended by user {ada}",
    ]
    assert OTHER not in caplog.text
