"""Following every link of the panel as somebody would who clicks on everything, and what is wrong with a page."""

from __future__ import annotations

import enum
import importlib
import pkgutil
import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin, urlsplit

from bs4 import Doctype, Tag

import is2_core
from plugins.amazon.shipping.methods import METHODS
from plugins.amazon.simulator.orders.generate import UNKNOWN_SERVICE_LEVEL, UNKNOWN_STATUS
from tests.support.browser import Browser, Page, form_values

# Words of Python and of templates that no sentence for users holds.
_REPRS = re.compile(
    r"<[\w.]+ object at|\b(None|True|False|NaN|Undefined|null|undefined)\b|\bdatetime\.|\bDecimal\(|\w+Error\("
    r"|[\[{(]'|'[\]})]|&(lt|gt|amp|quot|#\d+);|\{\{|\{%|%\([a-z_]+\)|%[sd]\b"
)
_CODES = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
# Labels of the item list as users know them; shipping methods, which merchants map as Amazon has them.
_ALLOWED = {"ACTIVE", "NEW", *(method.code for method in METHODS), UNKNOWN_SERVICE_LEVEL, UNKNOWN_STATUS}
_SHORTEST_CODE = 4
_HELP_OF_A_KIND = 1
# SKUs, numbers and what is set apart as code are shown letter by letter.
_VERBATIM_TAGS = {"code", "pre", "datalist", "script", "style"}
_VERBATIM_CLASSES = {"sku", "number"}


def _states() -> frozenset[str]:
    """The values the tables keep for states, reasons and kinds."""
    modules = pkgutil.walk_packages(is2_core.__path__, "is2_core.")
    names = [found.name for found in modules if found.name.endswith(".states")]
    everything = [each for name in names for each in vars(importlib.import_module(name)).values()]
    kinds = [each for each in everything if isinstance(each, type) and issubclass(each, enum.StrEnum)]
    values = {member.value for kind in kinds for member in kind}
    return frozenset(value for value in values if value.isupper() and len(value) >= _SHORTEST_CODE)


_STATES = _states()


@dataclass
class Walk:
    """Where somebody came by following links: the pages by address, and what was wrong with them."""

    pages: dict[str, Page] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def walk(browser: Browser, *starts: str, of_a_kind: int = 10_000) -> Walk:
    """Follow every link and every search form from these addresses on, each address once.

    Args:
        of_a_kind: how many addresses to open that differ in numbers only.
    """
    found = Walk()
    kinds: Counter[str] = Counter()
    linked_from = dict.fromkeys(starts, "")
    ahead = list(starts)
    while ahead:
        address = ahead.pop()
        page = browser.get(address)
        found.pages[address] = page
        if page.status != 200:
            found.faults.append(f"{address}, linked from {linked_from[address]}, answers {page.status}")
        if page.response.mimetype != "text/html":
            continue
        found.faults += [f"{address}: {fault}" for fault in faults(page)]
        for onward in links(page):
            kind = re.sub(r"\d+", "0", onward)
            most = of_a_kind
            if kind.startswith("/help?"):
                # It goes by the path of the page it was asked for from, and nearly every page asks for its own.
                kind, most = kind.partition("%3F")[0], min(most, _HELP_OF_A_KIND)
            if onward not in linked_from and kinds[kind] < most:
                kinds[kind] += 1
                linked_from[onward] = address
                ahead.append(onward)
    return found


def links(page: Page) -> list[str]:
    """The addresses in this panel that a page leads to, without their fragments."""
    base = page.response.request.url
    targets = [str(tag["href"]) for tag in page.soup.find_all("a", href=True)]
    for form in page.soup.find_all("form"):
        if form.get("method", "get").lower() == "get" and not form.find("input", type="radio"):
            targets.append(f"{form.get('action') or urlsplit(base).path}?{urlencode(form_values(form), doseq=True)}")
    found = []
    for target in targets:
        parts = urlsplit(urljoin(base, target))
        if parts.scheme == "http" and parts.netloc == urlsplit(base).netloc:
            found.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return found


def faults(page: Page) -> list[str]:
    """Return the faults of a page: what none may show, or be without."""
    found = []
    title = page.soup.title.get_text() if page.soup.title else ""
    if not title.removesuffix("· IS2").strip():
        found.append("has no title")
    if len(page.soup.find_all("h1")) != 1:
        found.append(f"has {len(page.soup.find_all('h1'))} headings of the first level")
    if not page.soup.select("nav[aria-label=Main] a[href], footer a[href]"):
        found.append("leads nowhere")
    found += [
        f"has a link without words to {tag['href']}" for tag in page.soup.find_all("a", href=True) if not _name(tag)
    ]
    words = shown_words(page)
    found += [f"shows {match.group()!r}: {_around(words, match)}" for match in _REPRS.finditer(words)]
    found += [
        f"shows the code {match.group()}: {_around(words, match)}"
        for match in re.finditer(r"\b[A-Z][A-Z0-9_]+\b", words)
        if (match.group() in _STATES or _CODES.fullmatch(match.group())) and match.group() not in _ALLOWED
    ]
    return found


def shown_words(page: Page) -> str:
    """The words of a page and of its fields, apart from what is shown letter by letter."""
    apart = {id(text) for tag in page.soup.find_all(_is_verbatim) for text in tag.find_all(string=True)}
    strings = page.soup.find_all(string=True)
    texts = [text for text in strings if id(text) not in apart and not isinstance(text, Doctype)]
    values = [str(tag["value"]) for tag in page.soup.find_all("input", value=True) if tag.get("type") != "hidden"]
    return " ".join(" ".join([*texts, *values]).split())


def _is_verbatim(tag: Tag) -> bool:
    # A choice of nothing may be called "None".
    is_nothing = tag.name == "option" and tag.get("value") == ""
    return is_nothing or tag.name in _VERBATIM_TAGS or not _VERBATIM_CLASSES.isdisjoint(tag.get("class") or ())


def _name(link: Tag) -> str:
    return link.get_text(strip=True) or str(link.get("aria-label", ""))


def _around(words: str, match: re.Match[str]) -> str:
    return f"…{words[max(0, match.start() - 40) : match.end() + 40]}…"
