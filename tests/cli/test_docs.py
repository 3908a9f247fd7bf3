"""Everything the documents name is there: variables, commands, links."""

from __future__ import annotations

import ast
import re
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest

from benchmarks.amazon_calls import LISTINGS_FEED as STOCK, ROUTINE, live
from cli.main import main
from plugins.amazon.consent_errors import consent_error
from plugins.amazon.endpoints import api_base, consent_url
from plugins.amazon.manifest import APPLICATION_PLANS, CREATE_LISTINGS_FEED, RATE_PLANS
from plugins.amazon.regions import REGIONS
from plugins.amazon.simulator.operations import find_operation
from plugins.interface import PlatformSettings
from tests.support.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
# What is named there is looked for: the tree moves on, and documents do not by themselves.
NAMING = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]
PRODUCT = ("is2_core", "plugins", "web", "cli", "exploration")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is counted here does not depend on the kind of database."""
    return sqlite_url


def test_every_variable_is_documented() -> None:
    sources = [path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")] + [ROOT / "worker.py"]
    used = {name for path in sources for name in re.findall(r"IS2_[A-Z][A-Z_]*[A-Z]", path.read_text(encoding="utf-8"))}
    documented = set(re.findall(r"^\| `(IS2_[A-Z_]+)`", (ROOT / "README.md").read_text(encoding="utf-8"), re.M))
    assert {name.removesuffix("_FILE") for name in used} == documented


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_and_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    context = click.Context(main)
    for words in re.findall(r"(?:^|`)is2 ([a-z][a-z -]*)", text, re.M):
        command: click.Command | None = main
        for word in words.split():
            if not isinstance(command, click.Group) or word.startswith("-"):
                break
            command = command.get_command(context, word)
            assert command is not None, f"is2 {words}"
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (path.parent / link).exists(), link


def test_a_decision_stands_on_a_page_of_its_own() -> None:
    folder = ROOT / "docs/decisions"
    pages = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", (folder / "README.md").read_text(encoding="utf-8"), re.M)
    assert [path.name for path in pages] == [link for _, link in listed]
    for path, (title, _) in zip(pages, listed, strict=True):
        headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
        assert headings == [title, "Status", "Context", "Decision", "Consequences"], path.name
        assert int(title.partition(".")[0]) == int(path.name[:4]), path.name


def _names_in(path: Path) -> set[str]:
    """Everything a Python file defines, with what stands inside a class as `Class.name`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        inside = [(f"{node.name}.", node.body)] if isinstance(node, ast.ClassDef) else []
        if isinstance(node, ast.Module):
            inside = [("", node.body)]
        for prefix, body in inside:
            for each in body:
                if isinstance(each, ast.FunctionDef | ast.ClassDef):
                    names.add(prefix + each.name)
                elif isinstance(each, ast.Assign | ast.AnnAssign):
                    targets = each.targets if isinstance(each, ast.Assign) else [each.target]
                    names |= {prefix + target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize("path", NAMING, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_documents_name_is_there(path: Path) -> None:
    """Paths, `path:name` and tests in backquotes, and targets of make. A path begins at the root or in is2_core."""
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w.]+(?:/[\w.*-]+)*(?:/|\.py)(?::[\w.]+)?)`", text))
    missing = []
    for each in sorted(named):
        place, _, name = each.partition(":")
        found = [*ROOT.glob(place), *(ROOT / "is2_core").glob(place)]
        if not found or (name and name not in _names_in(found[0])):
            missing.append(each)
    if tests := set(re.findall(r"`(test_\w+)`", text)):
        missing += sorted(tests.difference(*(_names_in(file) for file in (ROOT / "tests").rglob("test_*.py"))))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    missing += sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.M)) - targets)
    assert missing == []


def _table(text: str, heading: str) -> list[list[str]]:
    """The cells of the rows under a table whose first column has this heading, without backquotes."""
    rows = text.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows]


def test_the_documented_limits_are_those_of_the_manifest() -> None:
    text = (ROOT / "docs/amazon.md").read_text(encoding="utf-8")
    rows = _table(text, "Operation")
    documented = {name: (float(Fraction(rate)), int(burst), learned) for name, _, rate, burst, learned, _ in rows}
    assert documented == {
        name: (plan.rate_per_s, plan.burst, "yes" if plan.learned else "no") for name, plan in RATE_PLANS.items()
    }
    rows = _table(text, "Operation, all sellers")
    assert {name: (float(Fraction(rate)), int(burst)) for name, rate, burst in rows} == {
        name: (plan.rate_per_s, plan.burst) for name, plan in APPLICATION_PLANS.items()
    }


def test_the_documented_paths_are_those_the_cart_calls() -> None:
    text = (ROOT / "docs/amazon.md").read_text(encoding="utf-8")
    for name, call, *_ in _table(text, "Operation"):
        if not call.startswith("the same"):
            method, path = re.match(r"(\w+) ([^` ,]+)", call).groups()  # type: ignore[union-attr]
            found = find_operation(method, re.sub(r"\{\w+\}", "x", path))
            assert found is not None, call
            assert found[0].operation_id == name


def test_the_documented_regions_and_hosts_are_those_of_the_cart() -> None:
    text = (ROOT / "docs/amazon.md").read_text(encoding="utf-8")
    app = PlatformSettings("production")
    assert _table(text, "Region") == [
        [
            region.label,
            urlsplit(api_base(app, region.code)).netloc,
            urlsplit(consent_url(app, region.code, "")).netloc,
            ", ".join(site.country for site in region.sites),
        ]
        for region in REGIONS
    ]


def test_the_refusals_with_a_sentence_are_documented() -> None:
    text = (ROOT / "docs/go-live-amazon.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"\b(?:MD|SPDC)\d{4}\b", text))
    told = {f"{kind}{number:04}" for kind in ("MD", "SPDC") for number in range(10_000)}
    known = {code for code in told if consent_error(code, "").code == code}
    assert known
    assert documented == known


def test_orders_cost_the_calls_that_are_documented(world: World) -> None:
    """Some orders at once: one page of a listing, one feed of acknowledgements, one call a package."""
    life = live(world, 24, skus=20, waves=1, half_hours=2)
    assert (life.refused, life.waiting) == (0, 0)
    assert life.calls(ROUTINE) == 2, "one for each half hour; the page holds all orders with their items and addresses"
    assert life.calls("getOrder") == 0
    assert life.calls("createFeedDocument") == life.calls("uploadDocument") == life.calls("createFeed") == 1
    assert life.calls("getFeed") == 2, "a feed of one minute, asked about every 30 s"
    assert life.calls("getFeedDocument") == life.calls("downloadDocument") == 1
    assert life.calls("confirmShipment") == 24
    assert life.calls(CREATE_LISTINGS_FEED) == 0, "the next push is due after twelve hours"
    pushed = {feed["marketplaceIds"][0] for feed in world.amazon.get("feeds")["feeds"] if feed["feedType"] == STOCK}
    assert len(pushed) == 3, "the first push: one feed for each marketplace"
    asked = len(world.amazon.calls("searchListingsItems"))
    assert asked == 1 + 3, "the proof; 25 SKUs in two calls, and one for Remote Fulfillment"
