"""A way out that answers from a script, for answers the simulator does not give."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from plugins.interface import CartContext, CartHttp, Effect, Reply


@dataclass(frozen=True)
class Call:
    """A request of the cart."""

    operation: str
    effect: Effect
    method: str
    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any
    data: Any


@dataclass
class Scripted:
    """A `CartHttp` whose answers come from a list, in order, the last one for ever; it remembers the calls.

    An entry is a reply, an error to raise, or a function of the call that gives the reply.
    """

    answers: list[Reply | Exception | Callable[[Call], Reply]]
    calls: list[Call] = field(default_factory=list)

    def call(
        self,
        operation: str,
        effect: Effect,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
    ) -> Reply:
        asked = Call(operation, effect, method, url, params or {}, headers or {}, json, data)
        self.calls.append(asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else answer(asked)

    def operations(self) -> list[str]:
        """The names of all calls made, in order."""
        return [asked.operation for asked in self.calls]


def answered(ctx: CartContext, *answers: Reply | Exception | Callable[[Call], Reply]) -> tuple[CartContext, Scripted]:
    """The same context with a scripted way out; its token is minted before, by the way out it had."""
    ctx.token.get()
    http = Scripted(list(answers))
    return replace(ctx, http=http), http


def reply(status: int, body: Any = None, **headers: str) -> Reply:
    """A reply with a JSON body, or with these bytes."""
    content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def refusal(status: int, message: str, code: str = "InvalidInput", details: str = "") -> Reply:
    """A reply with Amazon's error envelope."""
    return reply(status, {"errors": [{"code": code, "message": message, "details": details}]})


def passing(http: CartHttp) -> Callable[[Call], Reply]:
    """An answer that is the other way out's."""
    return lambda asked: http.call(
        asked.operation,
        asked.effect,
        asked.method,
        asked.url,
        params=asked.params,
        headers=asked.headers,
        json=asked.json,
        data=asked.data,
    )
