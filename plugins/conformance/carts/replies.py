"""Checks of the reply to a write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from plugins.interface import Applied, Rejected, Retry, WriteReply


def check_reply(hook: str, keys: Sequence[str], reply: WriteReply, now: datetime) -> None:
    """Check that each key was answered exactly once, and each answer can be kept and acted on.

    Raises:
        AssertionError: it is not so; the text tells what to change.
    """
    # WriteReply itself refuses a key that is named twice.
    missing, foreign = sorted(set(keys) - reply.keys()), sorted(reply.keys() - set(keys))
    assert not missing, f"{hook} said nothing of {missing}: answer every key, with Retry where it had no turn"
    assert not foreign, f"{hook} answered {foreign}, which were not asked for"
    for key, result in reply.results.items():
        assert isinstance(result, Applied | Rejected | Retry), f"{hook} answered {result!r} for {key}"
        if isinstance(result, Applied):
            assert result.cart_ref is None or isinstance(result.cart_ref, str), (
                f"{hook}: the cart_ref of {key} is kept as text, and is {type(result.cart_ref).__name__}"
            )
        if isinstance(result, Rejected):
            assert result.code and result.message.strip(), f"{hook} rejected {key} without a code or a message"
        if isinstance(result, Retry):
            assert result.when > now, f"{hook} wants {key} again at {result.when}, and it is {now} already"
    for pending in reply.pending:
        assert isinstance(pending.handle, str) and json.loads(json.dumps(pending.handle)) == pending.handle, (
            f"{hook}: a handle is stored as text and must survive it"
        )
        assert pending.ask_at > now, f"{hook} wants to be asked at {pending.ask_at}, and it is {now} already"
