"""A browser without a screen over Flask's test client: reads pages, fills in forms by their labels, presses buttons."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "A long pass phrase 1"
_TOKEN = re.compile(r'<input type="hidden" name="csrf_token" value="([^"]+)">')


class Page:
    """One answer, readable."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.path = response.request.path
        # A file that is downloaded is no text.
        self.html = response.get_data(as_text=True) if response.mimetype.startswith("text/") else ""

    @cached_property
    def soup(self) -> BeautifulSoup:
        """The page's elements. Reading them takes as long as the panel takes for the page, and many a page is only
        passed through."""
        return BeautifulSoup(self.html, "html.parser")

    @property
    def text(self) -> str:
        """All words of the page, single spaces between them."""
        return " ".join(self.soup.get_text(" ").split())

    @property
    def heading(self) -> str:
        """The page's h1."""
        found = self.soup.find("h1")
        return " ".join(found.get_text(" ").split()) if found else ""

    @property
    def messages(self) -> str:
        """The messages at the top."""
        found = self.soup.find(class_="messages")
        return " ".join(found.get_text(" ").split()) if found else ""

    @property
    def alerts(self) -> list[str]:
        """The texts announced as problems."""
        return [" ".join(tag.get_text(" ").split()) for tag in self.soup.find_all(attrs={"role": "alert"})]

    def form(self, button: str) -> Tag:
        """The form of the first button of that label, wherever on the page the button stands."""
        for tag in self.soup.find_all("button"):
            if " ".join(tag.get_text(" ").split()) == button:
                form = self.soup.find(id=tag["form"]) if tag.has_attr("form") else tag.find_parent("form")
                if isinstance(form, Tag):
                    return form
        raise AssertionError(f"no form has a button {button!r} on this page: {self.text[:1500]}")

    def field(self, label: str) -> Tag:
        """The field a label stands at."""
        for tag in self.soup.find_all("label"):
            if " ".join(tag.get_text(" ").split()).removesuffix(" (optional)") == label:
                found = self.soup.find(id=tag["for"])
                assert isinstance(found, Tag), f"the label {label!r} points nowhere"
                return found
        raise AssertionError(f"no label {label!r} on this page: {self.text[:1500]}")

    def problem_at(self, label: str) -> str:
        """Return the problem shown at a field."""
        field = self.field(label)
        assert field.get("aria-invalid") == "true", f"nothing is wrong with {label}"
        described = str(field["aria-describedby"]).split()
        found = self.soup.find(id=next(name for name in described if name.endswith("-error")))
        assert isinstance(found, Tag)
        return " ".join(found.get_text(" ").split())

    def link(self, label: str) -> str:
        """Where the first link of that label leads."""
        for tag in self.soup.find_all("a"):
            if " ".join(tag.get_text(" ").split()) == label:
                return str(tag["href"])
        raise AssertionError(f"no link {label!r} on this page: {self.text[:1500]}")


def form_values(form: Tag) -> dict[str, Any]:
    """Return the values a form would send as it stands."""
    values: dict[str, Any] = {}
    for tag in form.find_all(["input", "select", "textarea"]):
        name = tag.get("name")
        if not name or (tag.get("type") in ("checkbox", "radio") and not tag.has_attr("checked")):
            continue
        if tag.name == "select":
            chosen = tag.find("option", selected=True) or tag.find("option")
            value = str(chosen["value"]) if chosen else ""
        else:
            value = str(tag.get("value", ""))
        values.setdefault(str(name), []).append(value)
    return values


class Client(FlaskClient):
    """Reads every answer to its end, as browsers do; a file left half read stays open."""

    def open(self, *args: Any, buffered: bool = True, **kwargs: Any) -> TestResponse:
        return super().open(*args, buffered=buffered, **kwargs)


class Browser:
    """One person's browser."""

    def __init__(self, app: Flask) -> None:
        self.client = Client(app, app.response_class, use_cookies=True)
        self._cookie_name = str(app.config["SESSION_COOKIE_NAME"])
        self._page: Page | None = None

    @property
    def page(self) -> Page:
        """The page that is open, which is at first that of who is signed in."""
        return self._page or self.get("/")

    @page.setter
    def page(self, page: Page) -> None:
        self._page = page

    def cookie(self) -> str:
        """The cookie of this browser's session."""
        found = self.client.get_cookie(self._cookie_name)
        assert found is not None
        return found.value

    def go_on_with(self, cookie: str) -> None:
        """Go on with another browser's session."""
        self.client.set_cookie(self._cookie_name, cookie)

    def get(self, address: str, *, follow: bool = True) -> Page:
        """Open an address."""
        self.page = Page(self.client.get(address, follow_redirects=follow))
        return self.page

    def post(self, address: str, values: dict[str, Any] | None = None, *, follow: bool = True) -> Page:
        """Send a form's values with a good CSRF token."""
        token = self.token()
        self.page = Page(
            self.client.post(address, data={"csrf_token": token, **(values or {})}, follow_redirects=follow)
        )
        return self.page

    def token(self) -> str:
        """A CSRF token of this session."""
        # Whoever is not signed in has no form on the first.
        pages = (self.client.get(address).get_data(as_text=True) for address in ("/help", "/sign-in"))
        return next(found[1] for page in pages if (found := _TOKEN.search(page)))

    def press(self, button: str, *, follow: bool = True, **values: Any) -> Page:
        """Fill in the form around a button, by field name, and press it. A value of None leaves a field out."""
        form = self.page.form(button)
        data = form_values(form)
        for tag in form.find_all("button"):
            if " ".join(tag.get_text(" ").split()) == button and tag.get("name"):
                data[str(tag["name"])] = str(tag.get("value", ""))
        data.update(values)
        data = {name: value for name, value in data.items() if value is not None}
        address = urljoin(self.page.response.request.url, str(form.get("action") or self.page.response.request.url))
        parts = urlsplit(address)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        if form.get("method", "get").lower() == "get":
            self.page = Page(self.client.get(parts.path, query_string=data, follow_redirects=follow))
        else:
            self.page = Page(self.client.post(target, data=data, follow_redirects=follow))
        return self.page

    def sign_in(self, email: str, password: str = PASSWORD) -> Page:
        """Sign in through the page."""
        self.get("/sign-in")
        return self.press("Sign in", email=email, password=password)
