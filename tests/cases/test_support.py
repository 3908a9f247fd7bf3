"""Cases: what people ask, and what the platform raises and ends by itself."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from is2_core.accounts import users
from is2_core.accounts.scope import account_scope
from is2_core.admin import support_cases
from is2_core.cases import cases as support
from is2_core.cases.models import SupportCase
from is2_core.cases.states import CaseKind
from is2_core.errors import BadInput, Conflict, NotFound
from is2_core.orders import help
from is2_core.orders.models import OrderEvent, ReceivedOrder
from tests.support.world import World


def cases(world: World) -> list[SupportCase]:
    with world.platform.db.read() as session:
        return list(session.scalars(sa.select(SupportCase).order_by(SupportCase.id)))


def ask(world: World, text: str = "The tent does not arrive.", **about: int) -> int:
    return help.ask_for_help(
        world.platform,
        scope=account_scope(world.account),
        account_id=world.account,
        user_id=world.owner,
        text=text,
        page="/integrations",
        **about,
    )


def raise_it(world: World, message: str = "Two more are promised than there are.", **changes: object) -> None:
    values = {"account_id": world.account, "kind": CaseKind.OVERSOLD, "subject": "sku TENT-2P", **changes}
    with world.platform.db.write() as session:
        support.raise_case(session, world.clock.now(), message=message, **values)


def end_it(world: World, subject: str = "sku TENT-2P") -> None:
    with world.platform.db.write() as session:
        support.end_case(session, world.clock.now(), account_id=world.account, kind=CaseKind.OVERSOLD, subject=subject)


def test_several_cases_of_a_kind_end_at_once_and_no_other(world: World) -> None:
    for subject in ("sku TENT-2P", "sku LAMP-USB", "sku STOVE-MINI"):
        raise_it(world, subject=subject)
    raise_it(world, kind=CaseKind.NO_ANSWER)
    with world.platform.db.write() as session:
        subjects = ["sku TENT-2P", "sku LAMP-USB", "sku 000123"]
        about = {"account_id": world.account, "kind": CaseKind.OVERSOLD}
        support.end_cases(session, world.clock.now(), **about, subjects=subjects)
    still_open = {(case.kind, case.subject) for case in cases(world) if case.closed_at is None}
    assert still_open == {(CaseKind.OVERSOLD, "sku STOVE-MINI"), (CaseKind.NO_ANSWER, "sku TENT-2P")}
    assert {case.answer for case in cases(world) if case.closed_at} == {support.ENDED_BY_ITSELF}


def an_order(world: World) -> ReceivedOrder:
    store = world.connect()
    world.finish(store)
    world.amazon.generate(plain=1)
    world.settle()
    (order,) = world.orders().values()
    return order


def test_a_question_becomes_a_case_that_is_answered(world: World) -> None:
    case_id = ask(world, "  The tent\ndoes not arrive. ")
    (case,) = cases(world)
    assert (case.id, case.kind, case.message, case.page) == (
        case_id,
        CaseKind.HELP,
        "The tent\ndoes not arrive.",
        "/integrations",
    )
    assert case.closed_at is None
    world.clock.advance_to(world.clock.now().replace(hour=15))
    support_cases.close_case(world.platform, case_id=case_id, user_id=world.owner, answer="It was found.")
    (case,) = cases(world)
    assert (case.closed_at, case.answer) == (world.clock.now(), "It was found.")
    with pytest.raises(Conflict):
        support_cases.close_case(world.platform, case_id=case_id, user_id=world.owner, answer="Again.")


def test_the_same_question_twice_is_two_cases(world: World) -> None:
    assert ask(world) != ask(world)


def test_an_order_remembers_that_help_was_asked_and_given(world: World) -> None:
    order = an_order(world)
    case_id = ask(world, order_id=order.id)
    (case,) = cases(world)
    assert (case.order_id, case.integration_id) == (order.id, order.integration_id)
    support_cases.close_case(world.platform, case_id=case_id, user_id=world.owner, answer="Done.")
    with world.platform.db.read() as session:
        told = session.scalars(sa.select(OrderEvent.code).where(OrderEvent.order_id == order.id)).all()
    assert {"HELP", "HELP_ANSWERED"} <= set(told)


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 2001])
def test_a_question_without_words_or_with_too_many_is_refused(world: World, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        ask(world, text)
    assert caught.value.field == "text"
    case_id = ask(world)
    with pytest.raises(BadInput) as caught:
        support_cases.close_case(world.platform, case_id=case_id, user_id=world.owner, answer=text)
    assert caught.value.field == "answer"
    assert [case.closed_at for case in cases(world)] == [None]


def test_another_accounts_order_or_store_cannot_be_attached(world: World) -> None:
    order = an_order(world)
    world.account = users.create_account(world.platform, "Contoso")
    with pytest.raises(NotFound):
        ask(world, order_id=order.id)
    with pytest.raises(NotFound):
        ask(world, integration_id=order.integration_id)
    assert cases(world) == []
    with pytest.raises(NotFound):
        support_cases.close_case(world.platform, case_id=1, user_id=world.owner, answer="Nothing there.")


def test_one_thing_is_one_open_case_whose_sentence_follows(world: World) -> None:
    raise_it(world)
    raise_it(world, "Five more are promised than there are.")
    (case,) = cases(world)
    assert case.message == "Five more are promised than there are."
    raise_it(world, subject="sku LAMP-USB")
    raise_it(world, kind=CaseKind.SHARED_STOCK)
    raise_it(world, account_id=users.create_account(world.platform, "Contoso"))
    assert len(cases(world)) == 4


def test_what_is_over_is_closed_and_may_come_again(world: World) -> None:
    raise_it(world)
    end_it(world, subject="sku LAMP-USB")
    assert cases(world)[0].closed_at is None
    end_it(world)
    assert cases(world)[0].answer == "This ended by itself."
    end_it(world)
    raise_it(world)
    assert [case.closed_at is None for case in cases(world)] == [False, True]


def test_two_that_notice_at_once_raise_one_case(world: World) -> None:
    begun, ended = threading.Event(), threading.Event()

    def second() -> None:
        begun.set()
        raise_it(world, "The second one noticed.")
        ended.set()

    late = threading.Thread(target=second)
    with world.platform.db.write() as session:
        support.raise_case(
            session,
            world.clock.now(),
            account_id=world.account,
            kind=CaseKind.OVERSOLD,
            subject="sku TENT-2P",
            message="The first one noticed.",
        )
        late.start()
        begun.wait()
        # SQLite lets the second begin only when the first is done; elsewhere it is to be under way before that.
        while not world.platform.db.is_sqlite and not ended.wait(0.01):
            if session.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                break
    late.join()
    assert [case.message for case in cases(world)] == ["The second one noticed."]
