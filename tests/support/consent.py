"""Walking the simulator's sign-in and consent pages as a browser would."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import requests
from bs4 import BeautifulSoup


def walk_consent(url: str, seller: str, *, press: str = "next") -> str:
    """Sign in as a seller, tick every box and press a button; gives the path and query of the way back."""
    with requests.Session() as visitor:
        sign_in = visitor.get(url, timeout=30)
        decision = _send(visitor, sign_in, {"seller": seller})
        boxes = {tag["name"]: "yes" for tag in _soup(decision).find_all("input", type="checkbox")}
        assert boxes, decision.text
        done = _send(visitor, decision, {**boxes, "action": press}, follow=False)
        assert done.is_redirect, done.text
        parts = urlsplit(done.headers["Location"])
        return f"{parts.path}?{parts.query}"


def _soup(page: requests.Response) -> BeautifulSoup:
    return BeautifulSoup(page.text, "html.parser")


def _send(
    visitor: requests.Session, page: requests.Response, values: dict[str, str], *, follow: bool = True
) -> requests.Response:
    form = _soup(page).find("form")
    assert form is not None, page.text
    hidden = {tag["name"]: tag["value"] for tag in form.find_all("input", type="hidden")}
    target = urljoin(page.url, str(form["action"]))
    return visitor.post(target, data={**hidden, **values}, timeout=30, allow_redirects=follow)
