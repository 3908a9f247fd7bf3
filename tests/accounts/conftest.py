"""Somebody with a second factor."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest

from is2_core.accounts import users
from is2_core.accounts.signing_in import second_factor
from is2_core.accounts.signing_in.lockout import Visitor
from is2_core.accounts.states import Role
from is2_core.platform import Platform
from tests.support.browser import PASSWORD


@pytest.fixture
def wes(platform: Platform) -> tuple[int, str]:
    """A user who has a second factor, and its secret."""
    user_id = users.create_user(platform, email="wes@example.com", name="Wes", password=PASSWORD, role=Role.WAREHOUSE)
    secret = second_factor.new_secret()
    code = pyotp.TOTP(secret).at(platform.clock.now() - timedelta(seconds=30))
    made = second_factor.enrol(
        platform, user_id=user_id, epoch=1, secret=secret, code=code, at=platform.clock.now(), visitor=Visitor()
    )
    assert made.person.step is None
    return user_id, secret
