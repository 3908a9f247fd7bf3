"""Two at the same moment, on both databases: links, codes, second factors, and tries that are counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
import sqlalchemy as sa

from is2_core.accounts import passwords, users
from is2_core.accounts.signing_in import administration, links, second_factor
from is2_core.accounts.signing_in.lockout import Visitor
from is2_core.accounts.signing_in.models import FailedTries, RecoveryCode
from is2_core.accounts.signing_in.new_password import hash_for
from is2_core.accounts.states import Role
from is2_core.errors import Conflict, FlowError
from is2_core.platform import Platform
from tests.support.browser import PASSWORD

EMAIL, WRONG = "wes@example.com", "not the password"
ONE, OTHER = "Three 3 odd-words here", "Other 4 odd-words there"
NOBODY, STRANGER = Visitor(), Visitor("203.0.113.9")


def test_of_two_who_send_the_same_code_one_signs_in(platform: Platform, wes: tuple[int, str]) -> None:
    user_id, secret = wes
    at = platform.clock.now()
    with platform.db.write() as session:
        hashed = second_factor._hash("R" * 24)
        session.add(RecoveryCode(user_id=user_id, code_hash=hashed))

    def give(code: str) -> bool:
        found = second_factor.give_code(platform, user_id=user_id, epoch=1, code=code, at=at, visitor=NOBODY)
        return found is not None

    for code in (pyotp.TOTP(secret).at(at), "R" * 24):
        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(give, [code] * 4)) == [False, False, False, True]


def test_of_two_who_set_one_up_one_does(platform: Platform) -> None:
    user_id = users.create_user(platform, email="wes@example.com", name="Wes", password=PASSWORD, role=Role.WAREHOUSE)
    at = platform.clock.now()

    def enrol(secret: str) -> str:
        try:
            second_factor.enrol(
                platform, user_id=user_id, epoch=1, secret=secret, code=pyotp.TOTP(secret).at(at), at=at, visitor=NOBODY
            )
        except Conflict:
            return "refused"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(enrol, (second_factor.new_secret(), second_factor.new_secret()))) == ["done", "refused"]


def test_of_two_browsers_one_uses_it(platform: Platform, wes: tuple[int, str]) -> None:
    link = administration.make_link(platform, user_id=wes[0], by=None)
    token = link.address.rpartition("/")[2]

    # Both were found good before either is stored; then they race for the user's row.
    hashed = {password: hash_for(platform, wes[0], password) for password in (ONE, OTHER)}

    def store(password: str) -> str:
        try:
            links.set_by_link(platform, token, hashed[password])
        except FlowError as error:
            return type(error).__name__
        return password

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(store, (ONE, OTHER)))
    (won,) = (each for each in found if each != "NotFound")
    assert users.sign_in(platform, EMAIL, won) is not None


def test_tries_at_the_same_moment_are_all_counted(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    wes = users.create_user(platform, email=EMAIL, name="Wes", password=PASSWORD, role=Role.WAREHOUSE)
    # As by several processes: each checks one password at a time.
    monkeypatch.setattr(passwords, "check", lambda stored, password: passwords.Checked(password == PASSWORD))
    with ThreadPoolExecutor(8) as pool:
        two = [Visitor(f"198.51.100.{number % 2}") for number in range(9)]
        list(pool.map(lambda visitor: users.sign_in(platform, EMAIL, WRONG, visitor), two))
        assert users.sign_in(platform, EMAIL, PASSWORD, Visitor("192.0.2.1")) is not None
        # The tenth to come locks, and the right one behind it does not get in.
        list(pool.map(lambda _: users.sign_in(platform, EMAIL, WRONG, STRANGER), range(12)))
    assert users.sign_in(platform, EMAIL, PASSWORD, STRANGER) is None
    with platform.db.read() as session:
        rows = {row.subject: (row.failed_logins, row.lock_rounds) for row in session.scalars(sa.select(FailedTries))}
    assert rows[f"user {wes} address {STRANGER.address}"] == (0, 1)
    assert rows[f"address {STRANGER.address}"] == (10, 0)
