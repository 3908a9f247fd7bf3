"""Saying of listed items, one or many at once, what becomes of them where the warehouse does not know them."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from is2_core.items import unknown_skus
from is2_core.items.states import UnknownSku
from is2_core.items.unknown_skus import Answered
from is2_core.visible_text import visible
from is2_core.whole_numbers import whole_number
from web import access
from web.access import platform
from web.actions import run_action
from web.items.items import list_page

blueprint = Blueprint("unknown_skus", __name__, template_folder="templates")

_DONE = {
    UnknownSku.AS_SET: "The store's setting decides about {items} now.",
    UnknownSku.HOLD: "Orders with {items} are held as long as the warehouse does not know {them}.",
    UnknownSku.NOT_FROM_HERE: "{Items} {are} not shipped from here any more, and no inventory is sent for {them}.",
}
_MOST_NAMED = 10


@blueprint.post("/integrations/<int:integration_id>/items/unknown")
def answer(integration_id: int) -> ResponseReturnValue:
    """Take the answer for the items that were chosen."""
    integration = access.owned_integration(integration_id)
    chosen = request.form.get("answer", "?")
    view = {name: request.form.get(name, "") for name in ("q", "show")}
    ids = [number for each in request.form.getlist("item") if (number := whole_number(each)) is not None]
    if "all" in request.form:
        ids = unknown_skus.ids_found(
            platform(),
            integration_id=integration.id,
            scope=access.read_scope(),
            q=view["q"].strip(),
            show=view["show"],
        )
    return run_action(
        lambda: unknown_skus.answer_items(
            platform(),
            integration_id=integration.id,
            scope=access.change_scope(),
            item_ids=ids,
            answer=chosen,
        ),
        done=lambda answered: _done(answered, UnknownSku(chosen)),
        to=url_for("items.list_items", integration_id=integration.id, q=view["q"] or None, show=view["show"] or None),
        draw=lambda error: list_page(integration, error),
        warnings=_left,
    )


def _done(answered: Answered, chosen: UnknownSku) -> str:
    one = answered.count == 1
    items = "this item" if one else f"these {answered.count} items"
    terms = {
        "items": items,
        "Items": items.capitalize(),
        "them": "it" if one else "them",
        "are": "is" if one else "are",
    }
    return f"{_DONE[chosen].format_map(terms)} Orders that are open are being looked at again."


def _left(answered: Answered) -> Iterable[str]:
    if answered.mapped:
        more = "" if len(answered.mapped) <= _MOST_NAMED else f" and {len(answered.mapped) - _MOST_NAMED} more"
        named = f"{', '.join(map(visible, answered.mapped[:_MOST_NAMED]))}{more}"
        yield f"Left as they are, because they are mapped to warehouse SKUs: {named}."
