"""Preparing a trial on one machine (`is2 up`): data folder, secrets, users, and the simulator's settings."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from is2_core.accounts import users
from is2_core.accounts.models import User
from is2_core.accounts.signing_in.password_rules import generate_password
from is2_core.accounts.states import Role
from is2_core.admin import cart_setup
from is2_core.carts import cart_settings
from is2_core.config import MOST_LIMITS
from is2_core.crypto import Keyring
from is2_core.errors import CannotStart
from is2_core.platform import Platform

ADMIN, WAREHOUSE = "admin@is2.example", "warehouse@is2.example"
STAFF = (
    (ADMIN, "Ada Admin", Role.ADMIN),
    ("support@is2.example", "Sam Support", Role.SUPPORT),
    (WAREHOUSE, "Wes Warehouse", Role.WAREHOUSE),
)
# Owner, and the account made for them.
MERCHANTS = (
    ("owner@northwind.example", "Nora Northwind", "Northwind Outdoor"),
    ("owner@summit.example", "Sid Summit", "Summit Remote Goods"),
    ("owner@sakura.example", "Saki Sakura", "Sakura Trail"),
    ("owner@merlion.example", "Mei Merlion", "Merlion Living"),
)
# The application every fresh simulator knows (plugins/amazon/simulator/access/applications.py); it is no secret.
SIMULATED_CART = "amazon"
SIMULATOR_COMMAND = "amazon-simulator"
SIMULATOR_ENVIRONMENT = "simulator"
APPLICATION = {
    "application_id": "amzn1.sp.solution.is2-demo",
    "client_id": "amzn1.application-oa2-client.is2demo",
    "client_secret": "is2-demo-client-secret-0123456789",
    "draft": "no",
}


@dataclass(frozen=True)
class Person:
    """A user of the trial with the password that was made up; `account` is a merchant's."""

    email: str
    password: str
    role: str
    account: str = ""


class TrialFolder:
    """The data folder, readable by this user only."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "log"
        self.redis = self.path / "redis"

    def make(self) -> None:
        """Create the folder and, the first time, keys and secrets."""
        for folder in (self.path, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        self._secret("encryption-keys", Keyring.generate())
        self._secret("session-secret", secrets.token_urlsafe(48))

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Keep others from starting on this folder meanwhile.

        Raises:
            CannotStart: another one runs on it.
        """
        with (self.path / "up.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CannotStart(
                    f"The folder {self.path} belongs to another running process: end it, or give another with --data."
                ) from error
            yield

    def environment(self, redis_url: str, public_url: str) -> dict[str, str]:
        """The variables of every process of the trial; a database of one's own may be given."""
        own = {
            "IS2_DATABASE_URL": f"sqlite:///{self.path / 'is2.db'}",
            "IS2_ENCRYPTION_KEYS_FILE": str(self.path / "encryption-keys"),
            "IS2_SESSION_SECRET_FILE": str(self.path / "session-secret"),
        }
        given = {name.removesuffix("_FILE") for name, value in os.environ.items() if value}
        return {
            **os.environ,
            **{name: value for name, value in own.items() if name.removesuffix("_FILE") not in given},
            "IS2_REDIS_URL": redis_url,
            "IS2_PUBLIC_URL": public_url,
            # The panel and the simulated shop are on the loopback address, without TLS.
            "IS2_ALLOW_PLAIN_HTTP": "1",
            "IS2_ALLOW_PRIVATE_HOSTS": "1",
            "IS2_CLOCK_OFFSET": "1",
            # The demo asks for its tables several times a second.
            "IS2_LIMITS": str(MOST_LIMITS),
            "IS2_NO_SECOND_FACTOR": "1",
        }

    def addresses(self) -> dict[str, str]:
        """Where panel and simulator of the trial that runs here are; empty where none runs."""
        try:
            found: dict[str, str] = json.loads((self.path / "addresses.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def people(self) -> list[Person]:
        """The users of an earlier start; empty where none is remembered."""
        try:
            return [Person(**entry) for entry in json.loads((self.path / "users.json").read_text(encoding="utf-8"))]
        except FileNotFoundError:
            return []

    def keep_people(self, people: list[Person]) -> None:
        """Remember the made-up passwords for the next start."""
        self.write("users.json", [vars(person) for person in people])

    def write(self, name: str, content: Any) -> None:
        """Write a JSON file, whole or not at all."""
        new = self.path / f"{name}.new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
        new.replace(self.path / name)

    def _secret(self, name: str, value: str) -> None:
        try:
            file = os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            opened.write(value + "\n")


def has_people(platform: Platform) -> bool:
    """Whether the trial's users are in this database, which need not be the data folder's own."""
    with platform.db.read() as session:
        return session.scalar(sa.select(User.id).where(User.email == ADMIN)) is not None


def make_people(platform: Platform) -> list[Person]:
    """An admin, a support, a warehouse user, and four accounts with an owner each."""
    people = []
    for email, name, role in STAFF:
        person = Person(email, generate_password(), role)
        users.create_user(platform, email=email, name=name, password=person.password, role=role)
        people.append(person)
    for email, name, account in MERCHANTS:
        person = Person(email, generate_password(), Role.MERCHANT, account)
        users.create_user(
            platform,
            email=email,
            name=name,
            password=person.password,
            role=Role.MERCHANT,
            account_id=users.create_account(platform, account),
        )
        people.append(person)
    return people


def use_simulator(platform: Platform, address: str, settings: Mapping[str, str] = APPLICATION) -> None:
    """Point the cart at the simulator and enable it, unless an admin has chosen other endpoints."""
    if SIMULATED_CART not in platform.carts.names():
        return
    if cart_settings.stored_settings(platform, SIMULATED_CART).environment not in ("", SIMULATOR_ENVIRONMENT):
        return
    cart_setup.save_cart_settings(
        platform, SIMULATED_CART, SIMULATOR_ENVIRONMENT, {**settings, "simulator_url": address}
    )
    cart_setup.enable_cart(platform, SIMULATED_CART)
