"""Which modules a cart is made of, and what they import."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

CONTRACT = "plugins.interface"
PLATFORM = ("is2_core", "web", "cli", "worker", "exploration")
CLIENTS = ("requests", "httpx", "urllib3", "aiohttp")
NETWORK = (
    "socket ssl socketserver asyncio ftplib smtplib imaplib poplib xmlrpc http.client http.server urllib.request"
).split()


PROGRAMS = "subprocess multiprocessing pty concurrent.futures.ProcessPoolExecutor concurrent.futures.process".split()
_OS_PROGRAMS = ("os.system", "os.popen", "os.exec", "os.spawn", "os.posix_spawn", "os.fork")
DYNAMIC = "__import__ importlib.import_module importlib.util importlib.machinery runpy".split()


def own_package(module: str) -> str:
    """The package a module lies in, or the module itself where it lies in none."""
    return module.rpartition(".")[0] or module


def is_under(module: str, *roots: str) -> bool:
    """Whether a dotted name is one of the roots or lies below one."""
    return any(module == root or module.startswith(f"{root}.") for root in roots)


def own_modules(starts: Iterable[str]) -> dict[str, Path]:
    """The source files of a cart: the modules it starts with and what they import of their own packages, so that a
    simulator or tests beside them do not count."""
    found: dict[str, Path] = {}
    waiting = sorted(starts)
    packages = tuple(own_package(start) for start in waiting)
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if name not in found and path is not None:
            found[name] = path
            waiting += [module for module, _ in imported(name, path) if is_under(module, *packages)]
    return found


def imported(name: str, path: Path) -> Iterator[tuple[str, int]]:
    """Every module a file imports, at any depth, with its line; `from a import b` counts as `a.b` and as `a`."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield base, node.lineno
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def used(path: Path) -> Iterator[tuple[str, int]]:
    """Every dotted name a file uses of a module it imports whole, and `__import__`, each with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    whole = [alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    roots = [alias.name.partition(".")[0] for alias in whole if not alias.asname]
    modules = {name: name for name in ("__import__", *roots)} | {one.asname: one.name for one in whole if one.asname}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            root, *rest = _dotted(node)
            if root in modules:
                yield ".".join([modules[root], *rest]), node.lineno


def complaint(module: str, packages: Iterable[str], libraries: Iterable[str]) -> str:
    """Return the problem with importing a module; "" where there is none."""
    if is_under(module, *packages, CONTRACT):
        return ""
    if is_under(module, *PLATFORM, "plugins"):
        return f"a cart knows {CONTRACT} and nothing else of the platform"
    if is_under(module, *CLIENTS, *NETWORK):
        return "ctx.http.call is a cart's only way out"
    if problem := forbidden(module):
        return problem
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names or root in libraries:
        return ""
    return f"name {root} in `libraries` if the cart needs it itself"


def forbidden(name: str) -> str:
    """Return the problem with a name of the standard library, imported or used; "" where there is none."""
    if is_under(name, *PROGRAMS) or name.startswith(_OS_PROGRAMS):
        return "a cart starts no program and no process; ctx.http.call is its only way out"
    if is_under(name, *DYNAMIC):
        return "what is imported by a name made while it runs cannot be checked; write a plain import"
    return ""


def loaded_with(modules: Iterable[str]) -> set[str]:
    """The names of all modules a fresh interpreter has loaded after importing these."""
    program = f"import sys, {', '.join(sorted(modules))}; print(*sys.modules)"
    places = os.pathsep.join(place or os.curdir for place in sys.path)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.split())


def _dotted(node: ast.expr) -> list[str]:
    """The parts of `a.b.c`; the first is empty where it begins with anything else than a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id if isinstance(node, ast.Name) else "", *reversed(parts)]


def _source(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        # `from a import b` where b is no module of a module a.
        return None
    return Path(spec.origin) if spec is not None and spec.origin and spec.origin.endswith(".py") else None
