"""What the documents promise is there: variables, commands, links."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from cli.main import main

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PRODUCT = ("is2_core", "plugins", "web", "cli", "exploration")


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
