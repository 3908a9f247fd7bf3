"""A seller's browser at the simulator's Seller Central: sign-in and authorization page, used by their labels."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import requests
from bs4 import BeautifulSoup, Tag


class SellerCentral:
    """One visit, from the address the installer leads to.

    `way_back` is the path and query of the installer's page that Amazon sends the browser to, "" before that.
    """

    def __init__(self, address: str) -> None:
        self._page = requests.get(address, timeout=30)
        self.way_back = ""

    @property
    def status(self) -> int:
        """The status of the page that is open."""
        return self._page.status_code

    @property
    def text(self) -> str:
        """All words of the page, single spaces between them."""
        return " ".join(self._soup.get_text(" ").split())

    @property
    def sellers(self) -> set[str]:
        """The seller accounts that can sign in here."""
        return {str(tag["value"]) for tag in self._soup.find_all("input", attrs={"name": "seller"})}

    @property
    def boxes(self) -> list[str]:
        """The names of the boxes to tick."""
        return [str(tag["name"]) for tag in self._soup.find_all("input", type="checkbox")]

    @property
    def _soup(self) -> BeautifulSoup:
        return BeautifulSoup(self._page.text, "html.parser")

    def sign_in(self, seller: str) -> None:
        """Sign in as a seller."""
        self.press("Sign in", seller=seller)

    def press(self, label: str, **values: str) -> None:
        """Press a button; `values` are what was ticked and chosen."""
        form, button = self._button(label)
        data = {str(tag["name"]): str(tag["value"]) for tag in form.find_all("input", type="hidden")} | values
        if button.get("name"):
            data[str(button["name"])] = str(button["value"])
        target = urljoin(self._page.url, str(form["action"]))
        answer = requests.post(target, data=data, timeout=30, allow_redirects=False)
        if answer.is_redirect:
            onward = urljoin(answer.url, answer.headers["Location"])
            if urlsplit(onward).netloc != urlsplit(self._page.url).netloc:
                parts = urlsplit(onward)
                self.way_back = f"{parts.path}?{parts.query}"
                return
            answer = requests.get(onward, timeout=30)
        self._page = answer

    def agree(self) -> str:
        """Tick every box and press **Next**; gives the way back."""
        self.press("Next", **dict.fromkeys(self.boxes, "yes"))
        assert self.way_back, self.text
        return self.way_back

    def _button(self, label: str) -> tuple[Tag, Tag]:
        for button in self._soup.find_all("button"):
            if button.get_text(strip=True) == label:
                form = button.find_parent("form")
                assert isinstance(form, Tag)
                return form, button
        raise AssertionError(f"no button {label!r} on this page: {self.text}")
