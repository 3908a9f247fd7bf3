"""One way to run an action: done, told and gone on; or drawn again with the refusal and its status."""

from __future__ import annotations

import pytest
from flask import Flask, get_flashed_messages

from is2_core.errors import BadInput, Conflict, FlowError, NotFound
from web.actions import run_action


@pytest.fixture
def page() -> Flask:
    app = Flask(__name__)
    app.secret_key = "for the messages"
    return app


def test_what_is_done_is_told_and_the_browser_goes_on(page: Flask) -> None:
    with page.test_request_context():
        answer = run_action(lambda: 3, done=lambda count: f"{count} done.", to="/list", draw=str)
        assert get_flashed_messages(with_categories=True) == [("success", "3 done.")]
    assert (answer.status_code, answer.location) == (303, "/list")  # type: ignore[union-attr]


def test_where_to_go_and_what_else_to_tell_may_hang_on_what_was_done(page: Flask) -> None:
    with page.test_request_context():
        answer = run_action(
            lambda: 3,
            done="Done.",
            to=lambda count: f"/list/{count}",
            draw=str,
            warnings=lambda count: ["Few."] * count,
        )
        assert get_flashed_messages(with_categories=True) == [("success", "Done."), *[("warning", "Few.")] * 3]
    assert answer.location == "/list/3"  # type: ignore[union-attr]


@pytest.mark.parametrize("error", [BadInput("Say why.", field="why"), Conflict("It is gone."), NotFound("Not here.")])
def test_what_is_refused_is_drawn_again_with_its_status(page: Flask, error: FlowError) -> None:
    def refuse() -> None:
        raise error

    drawn: list[FlowError] = []
    with page.test_request_context():
        answer = run_action(refuse, done="Done.", to="/list", draw=lambda refusal: drawn.append(refusal) or "again")
        assert get_flashed_messages() == []
    assert answer == ("again", error.status)
    assert drawn == [error]


def test_what_is_no_refusal_is_no_answer_of_the_page(page: Flask) -> None:
    with page.test_request_context(), pytest.raises(ZeroDivisionError):
        run_action(lambda: 1 // 0, done="Done.", to="/list", draw=str)
