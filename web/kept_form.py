"""The text of a form that was sent after the sign-in had ended: kept until the same person has signed in, where it is
harmless, and then put into the form again. Nothing is done with it before they send it themselves.

It lies in the browser's own signed cookie. It comes there only from a request with the token of the session that ended,
so no other site can put anything into a form.
"""

from __future__ import annotations

import re
from typing import TypedDict
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag
from flask import Flask, Response, current_app, request, session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from plugins.interface import FieldKind
from web.access import platform, viewer

# Pages about stores, items and stock: what is typed elsewhere may be a password, or say something of a buyer.
_HARMLESS = {"integrations", "items", "shipping", "inventory"}
_SECRET = re.compile("pass|secret|token|key", re.IGNORECASE)
# A cookie takes 4 kB.
_MOST = 1500
_NOT_FILLED = {"hidden", "password", "file", "submit", "button", "image", "reset"}
_KEPT = "typed"
_NOTICE = "What you typed is in the form again. Nothing was saved yet: check it and send it."


class _Typed(TypedDict):
    """A form that somebody filled in on a page."""

    user: str
    page: str
    action: str
    fields: list[list[str]]


def init_app(app: Flask) -> None:
    """Fill the form of the first page after the sign-in."""

    @app.after_request
    def fill_again(response: Response) -> Response:
        is_page = request.method == "GET" and response.status_code == 200 and response.mimetype == "text/html"
        if is_page and _KEPT in session and viewer() is not None:
            typed: _Typed = session.pop(_KEPT)
            if typed["page"] == request.path:
                response.set_data(_filled(response.get_data(as_text=True), typed))
        return response


def page_of(path: str) -> str:
    """Return the page that a form was sent from: the nearest address above its own that can be looked at."""
    adapter = current_app.url_map.bind("")
    while path:
        try:
            adapter.match(path, method="GET")
        except (HTTPException, RequestRedirect):
            path = path.rpartition("/")[0]
        else:
            return path
    return "/"


def keep(page: str) -> None:
    """Keep what this request was about to send, where it is harmless and fits into the cookie."""
    user = str(session.get("_user_id", ""))
    if request.blueprint not in _HARMLESS or not user:
        return
    registry = platform().carts
    manifests = [registry.manifest(name) for name in registry.names()]
    secrets = {each.key for manifest in manifests for each in manifest.store_fields if each.kind is FieldKind.SECRET}
    fields = [
        [name, value]
        for name, value in request.form.items(multi=True)
        if name not in secrets and not _SECRET.search(name) and name != "csrf_token"
    ]
    if sum(len(name) + len(value) for name, value in fields) <= _MOST:
        session[_KEPT] = _Typed(user=user.partition(":")[0], page=page, action=request.path, fields=fields)


def kept_for(user_id: int) -> _Typed | None:
    """Return what this person had typed; what somebody else had is forgotten."""
    typed: _Typed | None = session.get(_KEPT)
    return typed if typed and typed["user"] == str(user_id) else None


def keep_on(typed: _Typed | None) -> None:
    """Have it in the session that has just begun as well."""
    if typed:
        session[_KEPT] = typed


def _filled(page: str, typed: _Typed) -> str:
    soup = BeautifulSoup(page, "html.parser")
    values = MultiDict((name, value) for name, value in typed["fields"])
    for form in soup.find_all("form", method="post"):
        names = {str(field["name"]) for field in form.find_all(["input", "select", "textarea"]) if field.get("name")}
        if urlsplit(str(form.get("action") or request.path)).path == typed["action"] and names & values.keys():
            for field in form.find_all(["input", "select", "textarea"]):
                _fill(field, values.getlist(str(field.get("name", ""))))
            notice = soup.new_tag("p", attrs={"class": "alert alert-info", "role": "status"})
            notice.append(_NOTICE)
            form.insert_before(notice)
            break
    return str(soup)


def _fill(field: Tag, values: list[str]) -> None:
    kind = str(field.get("type", "text"))
    if field.name == "select":
        for option in field.find_all("option"):
            _mark(option, "selected", str(option.get("value", option.text)) in values)
    elif field.name == "textarea" and values:
        field.clear()
        field.append(values[0])
    elif kind in ("checkbox", "radio"):
        _mark(field, "checked", str(field.get("value", "on")) in values)
    elif field.name == "input" and kind not in _NOT_FILLED and values:
        field["value"] = values.pop(0)


def _mark(tag: Tag, name: str, is_set: bool) -> None:
    if is_set:
        tag[name] = ""
    else:
        tag.attrs.pop(name, None)
