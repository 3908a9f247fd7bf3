"""Who is told that the platform is not well: admins and support on every page, load balancers by /readyz."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
from alembic import command
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from is2_core.bootstrap import build_platform
from is2_core.calls.carts import CartRegistry
from is2_core.clock import VirtualClock
from is2_core.db.engine import Database
from is2_core.db.schema import alembic_config, revision_problem
from is2_core.tasks.heartbeat import ask_for_heartbeat
from is2_core.tasks.models import Heartbeat
from is2_core.tasks.wakeups import QUEUE
from tests.conftest import make_config
from tests.support.browser import Browser
from tests.support.panel import ADMIN, ALICE, SUPPORT, Panel
from web.app import create_app

FOUR_MINUTES = timedelta(minutes=4)
STATE = "State of the platform"


def beat(panel: Panel) -> None:
    """Have a heartbeat asked for and stored now."""
    now = panel.clock.now()
    with panel.platform.db.write() as db:
        panel.platform.db.upsert(
            db,
            Heartbeat,
            [{"id": 1, "asked_at": now, "stored_at": now}],
            key=["id"],
            update=["asked_at", "stored_at"],
        )


def told(browser: Browser, address: str) -> str:
    """Return what a page says about the platform above its own content."""
    found = browser.get(address).soup.find(attrs={"aria-label": STATE})
    return " ".join(found.get_text(" ").split()) if found else ""


def ready(panel: Panel) -> tuple[int, list[str]]:
    """Return the status of /readyz and what it says is wrong."""
    answer = Browser(panel.app).client.get("/readyz")
    return answer.status_code, answer.get_json().get("problems", [])


@pytest.fixture
def with_redis(panel: Panel, redis_url: str) -> Iterator[Panel]:
    """The panel with a Redis that answers."""
    platform = replace(panel.platform, config=replace(panel.platform.config, redis_url=redis_url))
    app = create_app(platform, session_clock=panel.session_clock)
    app.testing = True
    yield replace(panel, platform=platform, app=app)


def test_a_platform_that_is_well_says_so_and_nothing_more(with_redis: Panel, redis_url: str) -> None:
    beat(with_redis)
    connection = redis.Redis.from_url(redis_url)
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
    Worker([queue], name="worker-of-the-test", connection=connection, serializer=JSONSerializer).register_birth()
    assert ready(with_redis) == (200, [])
    admin = with_redis.browser(ADMIN)
    assert told(admin, "/admin/tasks") == ""
    page = admin.get("/admin/platform")
    assert "All is well: background work goes on." in page.text
    assert "Last heartbeat Nov 23, 2026, 12:00 UTC , less than a minute ago" in page.text
    assert "Redis answers; 0 wake-ups in the queue" in page.text
    assert "worker-of-the-test" in page.text
    connection.delete("rq:worker:worker-of-the-test")
    assert "No worker lives: start the workers." in admin.get("/admin/platform").text


def test_a_fresh_installation_is_not_ready_before_its_first_heartbeat(with_redis: Panel) -> None:
    status, (problem,) = ready(with_redis)
    assert status == 503
    assert problem == (
        "Background work has not begun: there has been no heartbeat yet. Start the dispatcher and the workers."
    )
    assert problem in told(with_redis.browser(ADMIN), "/admin/tasks")


def test_a_dead_dispatcher_is_named_on_every_page_of_who_can_help(with_redis: Panel) -> None:
    beat(with_redis)
    with_redis.clock.advance(FOUR_MINUTES)
    expected = (
        "Background work stands still: the last heartbeat was 4 minutes ago. A dispatcher last asked for one 4 minutes "
        "ago: start the dispatcher."
    )
    assert ready(with_redis) == (503, [expected])
    for email in (ADMIN, SUPPORT):
        browser = with_redis.browser(email)
        for address in ("/integrations", "/warehouse/orders", "/support"):
            assert expected in told(browser, address), (email, address)
    assert told(with_redis.browser(ALICE), "/integrations") == ""
    assert Browser(with_redis.app).client.get("/healthz").status_code == 200


def test_dead_workers_are_told_from_a_dead_dispatcher(with_redis: Panel) -> None:
    beat(with_redis)
    with_redis.clock.advance(FOUR_MINUTES)
    assert ask_for_heartbeat(with_redis.platform)
    status, (problem,) = ready(with_redis)
    assert status == 503
    assert "the last heartbeat was 4 minutes ago. A dispatcher asks for one, no worker has stored it" in problem
    page = with_redis.browser(ADMIN).get("/admin/platform")
    # One of Outdoor's was due at 12:00:30.
    assert "the oldest became due 3 minutes ago" in page.text


def test_a_dead_redis_is_named_at_once_and_its_address_is_not(panel: Panel) -> None:
    beat(panel)
    assert ready(panel) == (503, ["Redis cannot be reached: no background work is handed out."])
    page = panel.browser(ADMIN).get("/admin/platform")
    assert page.status == 200
    assert "nobody knows which workers live" in page.text
    assert "127.0.0.1" not in page.text


def test_late_work_is_told_to_who_can_help_and_takes_no_panel_away(with_redis: Panel) -> None:
    with_redis.clock.advance(timedelta(minutes=33))
    beat(with_redis)
    assert ready(with_redis)[0] == 200
    expected = "Work of 2 integrations is late, since Nov 23, 12:00 UTC."
    assert told(with_redis.browser(ADMIN), "/admin/tasks").startswith(expected)


def test_a_database_of_an_earlier_release_is_not_ready(
    tmp_path: Path, redis_url: str, clock: VirtualClock, carts: CartRegistry
) -> None:
    url = f"sqlite:///{tmp_path / 'older.db'}"
    platform = build_platform(make_config(url, redis_url), clock=clock, carts=carts)
    browser = Browser(create_app(platform, session_clock=clock))
    assert browser.client.get("/readyz").get_json()["problems"] == ["The database has no tables: run `is2 db upgrade`."]
    command.upgrade(alembic_config(url), "0004")
    answer = browser.client.get("/readyz")
    assert answer.status_code == 503
    (problem,) = answer.get_json()["problems"]
    assert problem.startswith("The database is at revision 0004, this release needs ")
    platform.db.dispose()


def test_panels_go_on_over_the_database_of_a_later_release(sqlite_url: str) -> None:
    """Revisions only add, so that the former release's panel may go on while the new one is put in its place."""
    db = Database(sqlite_url)
    assert revision_problem(db) == ""
    with db.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    assert revision_problem(db) == ""
    db.dispose()
