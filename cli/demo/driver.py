"""A person at the panel: pages and forms over HTTP, with their CSRF tokens, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mechanicalsoup
import requests
from bs4 import BeautifulSoup, Tag

from cli.demo.errors import DemoError, Refused

TIMEOUT_S = 60


class Panel:
    """One browser in which one person is signed in."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._browser = mechanicalsoup.StatefulBrowser(soup_config={"features": "html.parser"})
        # The panel and the simulator are on the loopback address, whatever proxy the environment names.
        self._browser.session.trust_env = False

    @property
    def at(self) -> str:
        """The address of the present page."""
        return str(self._browser.url)

    def sign_in(self, email: str, password: str) -> None:
        """Sign in on the sign-in page."""
        self.open("/sign-in")
        self.submit('form[action="/sign-in"]', {"email": email, "password": password})

    def open(self, path: str) -> BeautifulSoup:
        """Go to a page of the panel.

        Raises:
            Refused: the panel says no.
        """
        return self.follow(self._address + path)

    def follow(self, address: str) -> BeautifulSoup:
        """Go to a page anywhere.

        Raises:
            Refused: the panel says no.
        """
        return self._went(self._browser.open(address, timeout=TIMEOUT_S))

    def submit(
        self, form: str | Tag, values: Mapping[str, Any], button: str | None = None, *, lists: bool = False
    ) -> BeautifulSoup:
        """Fill in a form of the present page and send it.

        Args:
            form: CSS selector of the form, or the form.
            values: by field name; True ticks a box. With `lists`, a list fills the fields of that name in turn.
            button: value or label of the button to press, where a form has several.

        Raises:
            Refused: the panel says no.
            DemoError: there is no such form or field.
        """
        try:
            selected = self._browser.select_form(form)
            for name, value in values.items():
                if lists and isinstance(value, list):
                    for field, each in zip(selected.form.find_all("input", {"name": name}), value, strict=False):
                        field["value"] = each
                else:
                    selected.set(name, value)
        except (mechanicalsoup.LinkNotFoundError, mechanicalsoup.InvalidFormMethod) as error:
            raise DemoError(f"{self.at}: the form {form} is not as expected ({error})") from error
        if button is not None:
            found = selected.form.find("button", {"value": button}) or _button(selected.form, button)
            if found is None:
                raise DemoError(f"{self.at}: the form has no button {button}")
            selected.choose_submit(found)
        return self._went(self._browser.submit_selected(timeout=TIMEOUT_S))

    def press(self, path: str, label: str) -> BeautifulSoup:
        """Go to a page and press the button with this label.

        Raises:
            Refused: the button is disabled, or the panel says no.
            DemoError: there is no such button.
        """
        self.open(path)
        return self.submit(self.form_with(label), {})

    def form_with(self, label: str) -> Tag:
        """The form of the present page that has a button with this label.

        Raises:
            Refused: the button is disabled.
            DemoError: there is none.
        """
        button = _button(self._browser.page, label)
        form = button.find_parent("form") if button is not None else None
        if button is None or form is None:
            raise DemoError(f"{self.at}: there is no button “{label}”")
        if button.has_attr("disabled"):
            raise Refused(f"{self.at}: “{label}” is disabled. {text_of(form)}")
        return form

    def json(self, path: str, **params: Any) -> dict[str, Any]:
        """Return the answer of a page for scripts.

        Raises:
            DemoError: it does not.
        """
        answer = self._browser.session.get(self._address + path, params=params, timeout=TIMEOUT_S)
        if answer.status_code != 200 or answer.headers["Content-Type"] != "application/json":
            raise DemoError(f"The panel does not answer {path} (HTTP {answer.status_code}).")
        content: dict[str, Any] = answer.json()
        return content

    def _went(self, answer: requests.Response) -> BeautifulSoup:
        page: BeautifulSoup | None = self._browser.page
        if answer.status_code >= 400 or page is None:
            problems = page.select('[role="alert"], .alert-danger, .invalid-feedback') if page is not None else []
            detail = " ".join(text_of(problem) for problem in problems)
            raise Refused(f"{answer.url} answered {answer.status_code}. {detail}".strip())
        return page


def text_of(tag: Tag) -> str:
    """Return the text a person reads there, on one line."""
    return " ".join(tag.get_text(" ").split())


def _button(where: Tag, label: str) -> Tag | None:
    return next((button for button in where.find_all("button") if text_of(button) == label), None)
