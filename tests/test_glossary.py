"""The words of docs/glossary.md: those of its fourth column are no part of a name in the folders it says."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("is2_core", "plugins", "web", "cli", "exploration")

# Names in which a banned word means another thing: word -> names, those of functions with brackets.
ALLOWED = {
    # To store: the verb. A bucket store keeps the state of rate limits.
    "store": "BucketStore store_connection() store_heartbeat() store() _store() _store_answers()"
    " store_placed() store_refused() store_stop()",
    # Who ships an offer, by its whole name.
    "channels": "fulfillment_channels read_fulfillment_channels()",
    # A code that rows hold.
    "fewer_units": "FEWER_UNITS",
}

# The names in a text of Python: whatever is no string and no comment.
NAMES = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|([A-Za-z_]\w*)', re.S)


def banned() -> dict[str, set[str]]:
    """The folders in which each banned word is looked for, by the table of the glossary."""
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    found = defaultdict(set)
    for row in text.partition("| Thing |")[2].partition("\n\n")[0].splitlines()[2:]:
        words, folders = [cell.strip() for cell in row.removesuffix("|").split("|")][-2:]
        for word in re.findall(r"`([a-z_]+)`", words):
            found[word].update(folders.split())
    return found


def is_in(place: str, folder: str) -> bool:
    """Whether a path is this folder or file, or in it."""
    return f"{place}/".startswith(f"{folder}/")


def parts_of(name: str, words: Iterable[str]) -> list[str]:
    """The words, or several that follow each other, that are whole parts of a name."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.removesuffix("()")).lower()
    return [word for word in words if f"_{word}_" in f"_{plain}_"]


def defined_in(path: Path) -> Iterator[str]:
    """The names a module gives to something, its own included; those of tests are sentences and left out."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name) if not name.startswith("test_"):
                yield f"{name}()"
            case ast.ClassDef(name=name) | ast.arg(arg=name) | ast.alias(asname=str(name)):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


@cache
def uses() -> dict[str, dict[str, set[str]]]:
    """Word -> path -> names there that have it as a part."""
    words = banned()
    parts = cache(partial(parts_of, words=words))
    found: dict[str, dict[str, set[str]]] = {word: defaultdict(set) for word in words}
    for top in sorted({folder.partition("/")[0] for folders in words.values() for folder in folders}):
        for path in [ROOT / top] if top.endswith(".py") else sorted((ROOT / top).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            here = [word for word, folders in words.items() if any(is_in(place, folder) for folder in folders)]
            mentioned = set(NAMES.findall(path.read_text(encoding="utf-8"))) | {path.stem}
            if "versions" in path.parts or not any(word in here for name in mentioned for word in parts(name)):
                continue
            for name in set(defined_in(path)):
                for word in parts(name):
                    if word in here and name not in ALLOWED.get(word, "").split():
                        found[word][place].add(name)
    return found


@pytest.mark.parametrize("word", sorted(banned()))
def test_a_banned_word_is_part_of_no_name(word: str) -> None:
    assert dict(uses()[word]) == {}


def test_every_banned_word_is_looked_for_somewhere() -> None:
    words = banned()
    assert len(words) > 40
    assert [word for word, folders in words.items() if not folders] == []
    assert [each for folders in words.values() for each in folders if not (ROOT / each).exists()] == []


def test_docstrings_begin_with_a_verb_or_name_the_thing() -> None:
    """None begins with "What": it would say that there is something, and let the reader find out what."""
    paths = {path.relative_to(ROOT).as_posix(): path for top in PRODUCT for path in (ROOT / top).rglob("*.py")}
    asks = [place for place, path in paths.items() if re.search(r'"""What(ever)?\b', path.read_text(encoding="utf-8"))]
    assert asks == []
