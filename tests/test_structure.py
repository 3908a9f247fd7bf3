"""Rules of this project that no linter knows, each read off the source itself."""

import ast
import configparser
import hashlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Container, Iterator
from functools import cache
from graphlib import TopologicalSorter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
SIMULATOR = "plugins/amazon/simulator"
# For tests of carts; nothing that runs imports it.
KIT = ("plugins/testkit.py", "plugins/conformance/")
PRODUCT = ("is2_core", "plugins", "web", "worker.py")
EVERYTHING_THAT_RUNS = (*PRODUCT, "cli", "exploration")
# Translation, arithmetic and decisions: nothing in their import path reads a database, serves a page or makes a call.
PURE = """
is2_core.accounts.codes is2_core.accounts.states is2_core.cases.states is2_core.comparison.shown_posts
is2_core.comparison.states is2_core.embedded_warehouse.states
is2_core.inventory.states is2_core.items.states is2_core.orders.states is2_core.orders.fulfillment.states
is2_core.tasks.states
is2_core.carts.fields is2_core.carts.latency is2_core.embedded_warehouse.packing_form is2_core.errors
is2_core.install.settings_form is2_core.integrations.authorization_expiry is2_core.inventory.sellable
is2_core.inventory.withheld
is2_core.items.sku_suggestions is2_core.items.spoiled_cells is2_core.items.table_csv is2_core.items.table_plan
is2_core.items.typed_items is2_core.orders.addresses.countries is2_core.orders.addresses.label
is2_core.orders.fulfillment.elsewhere is2_core.orders.fulfillment.handling_requirements
is2_core.orders.fulfillment.unit_matching is2_core.orders.holds.addresses is2_core.orders.holds.input
is2_core.orders.holds.reasons is2_core.orders.importing.classify is2_core.orders.wording.events
is2_core.orders.wording.parameters is2_core.orders.wording.stops
is2_core.orders.importing.staged_rows is2_core.shipments.carrier_names is2_core.tasks.schedule
is2_core.text_limits is2_core.tracking_numbers is2_core.visible_text is2_core.whole_numbers plugins.errors
plugins.interface plugins.warehouse web.orders.windows
""".split()
PURE_FOLDERS = ("plugins/types", "plugins/amazon")
HEAVY = ("sqlalchemy", "alembic", "flask", "werkzeug", "redis", "rq", "requests", "urllib3")
NOT_OURS = {"node_modules", "__pycache__", "build", "dist", "var"}


def is_ours(path: Path) -> bool:
    """Tell whether a file belongs to the project: no virtual environment, cache, data folder or build."""
    parts = path.relative_to(ROOT).parts
    # In a second work tree .git is a file.
    hidden = [part for part in parts if part == ".git"]
    hidden += [part for part in parts[:-1] if part.startswith(".") and part != ".ci"]
    return not hidden and not NOT_OURS.intersection(parts) and not any(part.endswith(".egg-info") for part in parts)


@cache
def files(*places: str) -> tuple[Path, ...]:
    """The project's files under the places, in a fixed order; a place that has none is a mistake in the rule."""
    found: list[Path] = []
    for place in places or (".",):
        start = ROOT / place
        inside = [path for path in [start, *start.rglob("*")] if path.is_file() and is_ours(path)]
        assert inside, f"{place} holds no file"
        found += inside
    return tuple(sorted(found))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a Python file's tree: to walk through it takes longer than most rules do."""
    return tuple(ast.walk(tree(path)))


@cache
def name(path: Path) -> str:
    """The path as people write it."""
    return path.relative_to(ROOT).as_posix()


def python(*places: str, without: tuple[str, ...] = ()) -> Iterator[Path]:
    """The Python files under the places, except those whose path starts with one of `without`."""
    return (path for path in files(*places) if path.suffix == ".py" and not name(path).startswith(without or ("\0",)))


def dotted(path: Path) -> str:
    """The module's name as an import has it."""
    return name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def breaches(paths: Iterator[Path], is_breach: Callable[[ast.AST], bool]) -> list[str]:
    """Where a node of these files breaks a rule, as file:line."""
    everywhere = ((path, node) for path in paths for node in nodes(path))
    return [f"{name(path)}:{getattr(node, 'lineno', 0)}" for path, node in everywhere if is_breach(node)]


@cache
def imported(path: Path) -> tuple[tuple[str, int], ...]:
    """Every module a file imports, at any depth; `from a import b` counts as `a.b`, which may be a module."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[tuple[str, int]]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno} imports relatively"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def is_under(module: str, *roots: str) -> bool:
    """Tell whether a dotted name is one of the roots or lies below one."""
    return any(module == root or module.startswith(f"{root}.") for root in roots)


def imports_outside(paths: Iterator[Path], *allowed: str) -> list[str]:
    """Imports that are neither of the standard library nor under an allowed name."""
    return [
        f"{name(path)}:{line} imports {module}"
        for path in paths
        for module, line in imported(path)
        if module.partition(".")[0] not in sys.stdlib_module_names and not is_under(module, *allowed)
    ]


def called(node: ast.AST) -> str:
    """What a call names, as written (`session.commit`), or nothing."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def test_only_the_units_of_work_commit() -> None:
    transaction = re.compile(r"\.commit$|(session|connection|conn|engine|\))\.begin$", re.I)
    elsewhere = python(*PRODUCT, without=("is2_core/db/", SIMULATOR))
    assert breaches(elsewhere, lambda node: bool(transaction.search(called(node)))) == []


def test_only_one_module_makes_http_calls() -> None:
    clients = ("requests", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request", "socket")
    elsewhere = python(*PRODUCT, without=("is2_core/calls/http.py", "is2_core/calls/transport.py", *KIT, SIMULATOR))
    assert [
        f"{name(path)}:{line}" for path in elsewhere for module, line in imported(path) if is_under(module, *clients)
    ] == []


def test_carts_catch_no_error_they_cannot_name() -> None:
    # A broad except swallows the timeout that RQ raises, and dresses a bug as an answer of the shop. The simulator is a
    # server: what nobody foresaw there is logged and answered with a 500, or the next request would find it again.
    def is_broad(node: ast.AST) -> bool:
        if not isinstance(node, ast.ExceptHandler):
            return False
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any(kind is None or ast.unparse(kind) in ("Exception", "BaseException") for kind in caught)

    assert breaches(python("plugins", without=(*KIT, SIMULATOR)), is_broad) == []


def test_the_worker_knows_only_the_core() -> None:
    assert imports_outside(python("worker.py"), "rq", "redis", "sqlalchemy", "is2_core") == []


def test_the_contract_needs_only_pluggy() -> None:
    contract = (path for path in python("plugins", without=KIT) if "amazon" not in path.parts)
    assert imports_outside(contract, "pluggy", "plugins.errors", "plugins.interface", "plugins.types") == []


def test_the_amazon_cart_knows_only_the_contract() -> None:
    cart = list(python("plugins/amazon", without=(SIMULATOR,)))
    assert imports_outside(iter(cart), "plugins.interface", "plugins.amazon", "defusedxml") == []
    assert [
        f"{name(path)}:{line}"
        for path in cart
        for module, line in imported(path)
        if is_under(module, "plugins.amazon.simulator")
    ] == []


def test_the_simulator_knows_nothing_of_ours() -> None:
    assert [
        f"{name(path)}:{line} imports {module}"
        for path in python(SIMULATOR)
        for module, line in imported(path)
        if is_under(module, "is2_core", "web", "cli", "exploration", "worker", "plugins")
        and not is_under(module, "plugins.amazon.simulator")
    ] == []


def test_no_cart_is_singled_out() -> None:
    def names_amazon(node: ast.AST) -> bool:
        if isinstance(node, ast.Compare | ast.MatchValue):
            parts: Iterator[ast.AST] = ast.walk(node)
        elif isinstance(node, ast.Subscript):
            parts = iter([node.slice])
        else:
            return False
        return any(
            isinstance(part, ast.Constant) and isinstance(part.value, str) and "amazon" in part.value.lower()
            for part in parts
        )

    found = breaches(python("is2_core", "web", "cli", without=("cli/demo",)), names_amazon)
    found += [
        name(path)
        for path in files("web")
        if path.suffix == ".html" and re.search(r"[=!]=\s*['\"]amazon['\"]", path.read_text(encoding="utf-8"), re.I)
    ]
    assert found == []


def test_nobody_but_a_plugin_says_its_name() -> None:
    # So that another one is added without a change here.
    names = {"amazon", "tiny", "embedded", "bay"}
    places = python("is2_core", "web", "worker.py", without=("is2_core/embedded_warehouse/", "is2_core/db/migrations/"))
    assert breaches(places, lambda node: isinstance(node, ast.Constant) and node.value in names) == []


def test_only_one_module_spells_the_kinds_of_tasks() -> None:
    (kinds,) = python("is2_core/tasks/kinds.py")
    names = {node.value for node in nodes(kinds) if isinstance(node, ast.Constant)}
    assert "orders.check" in names
    elsewhere = python(*EVERYTHING_THAT_RUNS, without=("is2_core/tasks/kinds.py", "is2_core/db/migrations/"))
    assert breaches(elsewhere, lambda node: isinstance(node, ast.Constant) and node.value in names) == []


ORDER_STATE_IN_THE_CONTRACT = "plugins/types/orders.py"


@cache
def state_enums() -> dict[str, set[str]]:
    """The values of every state enum, by name: those of a states.py, and what a cart says of an order."""
    enums: dict[str, set[str]] = {}
    for path in python(*PRODUCT):
        if path.name != "states.py" and name(path) != ORDER_STATE_IN_THE_CONTRACT:
            continue
        for node in tree(path).body:
            if not isinstance(node, ast.ClassDef) or [ast.unparse(base) for base in node.bases] != ["StrEnum"]:
                continue
            members = (each.value for each in node.body if isinstance(each, ast.Assign))
            enums[node.name] = {str(ast.literal_eval(value)) for value in members}
    return enums


def state_of(node: ast.AST, enums: Container[str]) -> str:
    """The enum of which an expression names a member (`ReceivedState.HELD`, `.HELD.value`), or nothing."""
    if isinstance(node, ast.Attribute) and node.attr == "value":
        node = node.value
    of = ast.unparse(node.value).rpartition(".")[2] if isinstance(node, ast.Attribute) else ""
    return of if of in enums else ""


def groups_states(node: ast.AST, enums: dict[str, set[str]]) -> bool:
    """Whether a node puts two or more states of one enum together, or one beside a group: as a collection, as strings,
    as comparisons of one thing with each of them, or as the cases of a match."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        of = Counter(state_of(each, enums) for each in node.elts)
        beside = any(isinstance(each, ast.Starred) for each in node.elts)
        texts = {each.value for each in node.elts if isinstance(each, ast.Constant)}
        return any(count + beside > 1 for enum, count in of.items() if enum) or any(
            len(texts & values) > 1 for values in enums.values()
        )
    if isinstance(node, ast.MatchOr):
        found = [state_of(each.value, enums) for each in node.patterns if isinstance(each, ast.MatchValue)]
        return any(count > 1 for enum, count in Counter(found).items() if enum)
    together = ("or_", "sa.or_", "and_", "sa.and_")
    if isinstance(node, ast.BoolOp):
        parts = node.values
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in together:
        parts = node.args
    else:
        return False
    asked = Counter(
        (ast.unparse(part.left), state_of(part.comparators[0], enums))
        for part in parts
        if isinstance(part, ast.Compare)
    )
    return any(count > 1 for (_, enum), count in asked.items() if enum)


@pytest.mark.parametrize(
    "breach",
    [
        "OPEN = (TaskState.READY, TaskState.RUNNING)",
        "query.where(Task.state.in_([TaskState.READY, TaskState.RUNNING]))",
        "frozenset({states.TaskState.READY.value, states.TaskState.RUNNING.value})",
        "(*OPEN_STATES, TaskState.DONE)",
        "row.state in ('READY', 'RUNNING')",
        "row.state == TaskState.READY or row.state is TaskState.RUNNING",
        "sa.or_(Task.state == TaskState.READY, Task.state == TaskState.RUNNING)",
        "match state:\n    case TaskState.READY | TaskState.RUNNING: pass",
    ],
)
def test_a_group_of_states_is_recognized(breach: str) -> None:
    assert any(groups_states(node, state_enums()) for node in ast.walk(ast.parse(breach)))


def test_states_are_put_together_in_their_states_module_alone() -> None:
    # A group written down twice is two groups as soon as one of them changes. A table such as labels by state is none.
    enums = state_enums()
    assert {"ReceivedState", "AckState", "PostState", "TaskState", "OrderState"} <= enums.keys()
    # The demo's verification and the simulator judge from outside, in words of their own.
    elsewhere = (
        path
        for path in python(*EVERYTHING_THAT_RUNS, without=("is2_core/db/migrations/", "cli/demo/", SIMULATOR))
        if path.name != "states.py" and name(path) != ORDER_STATE_IN_THE_CONTRACT
    )
    assert breaches(elsewhere, lambda node: groups_states(node, enums)) == []


def sets_order_state(node: ast.AST) -> bool:
    """Whether a node sets a received order's state, as far as its text tells: an assignment to an attribute `state` of
    anything but a member of another enum, or `values(state=...)` of an update of ReceivedOrder."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        value = node.value
        pairs: list[tuple[ast.expr, ast.expr | None]] = []
        for target in targets:
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs += zip(target.elts, value.elts, strict=False)
            else:
                pairs += [(each, value) for each in (target.elts if isinstance(target, ast.Tuple) else [target])]
        return any(
            isinstance(target, ast.Attribute)
            and target.attr == "state"
            and not re.match(r"(Task|Integration|Warehouse)State\.", ast.unparse(what) if what else "")
            for target, what in pairs
        )
    text = ast.unparse(node) if isinstance(node, ast.Call) and called(node).endswith(".values") else ""
    given = node.keywords if isinstance(node, ast.Call) else []
    names_it = any(each.arg == "state" for each in given) or bool(re.search(r"values\(.*['\"]state['\"]:", text))
    return text.startswith("sa.update(ReceivedOrder)") and names_it


@pytest.mark.parametrize(
    "breach",
    [
        "order.state = state",
        "order.state, order.reason = ReceivedState.HELD, ''",
        "order.reason, order.state = explained(order)",
        "sa.update(ReceivedOrder).where(ReceivedOrder.id == 1).values(state=to)",
        "sa.update(ReceivedOrder).values({'state': to})",
    ],
)
def test_setting_an_order_s_state_is_recognized(breach: str) -> None:
    assert any(sets_order_state(node) for node in ast.walk(ast.parse(breach)))


def test_only_transitions_set_the_state_of_a_stored_order() -> None:
    orders = (
        path
        for path in python("is2_core", "web", "worker.py", without=("is2_core/orders/transition.py",))
        if any(module.startswith("is2_core.orders.") for module, _ in imported(path))
    )
    assert breaches(orders, sets_order_state) == []


def test_nothing_is_run_that_came_as_data() -> None:
    def is_unsafe(node: ast.AST) -> bool:
        if isinstance(node, ast.keyword):
            return node.arg == "shell" and not (isinstance(node.value, ast.Constant) and node.value.value is False)
        return called(node) in runners

    runners = ("eval", "exec", "compile", "__import__", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen")
    paths = list(python(*EVERYTHING_THAT_RUNS))
    assert breaches(iter(paths), is_unsafe) == []
    assert [
        f"{name(path)}:{line}"
        for path in paths
        for module, line in imported(path)
        if is_under(module, "pickle", "marshal", "shelve", "dill", "cloudpickle")
    ] == []


class TemplateReader(HTMLParser):
    """Collects what a strict content security policy refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at a tag's attributes."""
        facts = dict(attrs)
        self.found += [f"{attribute}=" for attribute in facts if attribute.startswith("on") or attribute == "style"]
        self.found += ["javascript:" for value in facts.values() if value and value.lower().startswith("javascript:")]
        if tag == "style":
            self.found.append("<style>")
        # Data for a script to read is never run.
        self._in_script = tag == "script" and facts.get("type") != "application/json"

    def handle_endtag(self, tag: str) -> None:
        """Leave the script."""
        self._in_script = False

    def handle_data(self, data: str) -> None:
        """Look for a script's text."""
        if self._in_script and data.strip():
            self.found.append("<script> with text")


def test_templates_hold_no_script_and_no_style() -> None:
    found = []
    for path in (path for path in files("web") if path.suffix == ".html"):
        text = path.read_text(encoding="utf-8")
        reader = TemplateReader()
        reader.feed(re.sub(r"\{\{.*?\}\}", "x", re.sub(r"\{#.*?#\}|\{%.*?%\}", " ", text, flags=re.S), flags=re.S))
        reader.close()
        found += [f"{name(path)}: {what}" for what in reader.found]
    assert found == []


def test_every_template_is_packaged() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    packaged = {
        path
        for package, patterns in setup["options.package_data"].items()
        for pattern in patterns.split(",")
        for path in (ROOT / package.replace(".", "/")).glob(pattern.strip())
    }
    templates = [path for path in files("web", SIMULATOR) if path.suffix == ".html"]
    assert [name(path) for path in templates if path not in packaged] == []


def test_no_banner_comments_and_no_drawer_modules() -> None:
    banner = re.compile(r"^\s*(#|//|/\*|\{#)\s*[-=#*~_]{4,}", re.M)
    ours = [path for path in files() if "vendor" not in path.parts]
    commented = (".py", ".css", ".js", ".html", ".cfg", ".toml", ".sh", ".yml", "")
    written = [path for path in ours if path.suffix in commented]
    assert [name(path) for path in written if banner.search(path.read_text(encoding="utf-8"))] == []
    drawers = ("utils", "util", "helpers", "helper", "common", "misc")
    assert [name(path) for path in ours if path.suffix == ".py" and path.stem in drawers] == []


def test_no_file_names_a_registry_or_a_private_path() -> None:
    # Put together from parts, or this file would break its own rule.
    hosts = ["pypi" + ".org", "python" + "hosted.org", "npm" + "js.", "deb." + "debian.org", "crates" + ".io"]
    words = [re.escape(host) for host in hosts]
    paths = [r"(?<![\w.])" + folder for folder in ("/wo" + "rk/", "/ro" + "ot/")]
    forbidden = re.compile("|".join(words + paths))
    found = []
    for path in files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{name(path)}: {match.group()}" for match in forbidden.finditer(text)]
    assert found == []


def test_what_the_type_checker_is_told_to_overlook_has_its_reason_beside_it() -> None:
    with_reason = re.compile(r"# type: ignore\[[a-z, -]+\]  # \w\S* \w+")
    lines = (
        (f"{name(path)}:{number}", line)
        for path in python(*EVERYTHING_THAT_RUNS)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    )
    assert [place for place, line in lines if "type: ignore" in line and not with_reason.search(line)] == []


def test_front_end_files_are_the_listed_ones() -> None:
    folder = ROOT / "web/static/vendor"
    listed = dict(
        reversed(line.split(maxsplit=1))
        for line in (folder / "README.md").read_text(encoding="utf-8").splitlines()
        if re.match(r"[0-9a-f]{64}  ", line)
    )
    shipped = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files("web/static/vendor")
        if path.name != "README.md"
    }
    assert shipped == listed


def test_folders_and_modules_stay_small() -> None:
    modules = list(python(*EVERYTHING_THAT_RUNS, without=("is2_core/db/migrations/versions/",)))
    folders = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules if path.name != "__init__.py")
    assert {folder: count for folder, count in folders.items() if count > 15} == {}
    most = {"plugins/interface.py": 400}
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {module: length for module, length in lengths.items() if length > most.get(module, 300)} == {}


def test_pure_modules_import_nothing_heavy() -> None:
    modules = [*PURE, *(dotted(path) for path in python(*PURE_FOLDERS, without=(SIMULATOR,)))]
    program = """
import importlib, sys

class Refuse:
    def find_spec(self, module, path=None, target=None):
        if module.partition(".")[0] in heavy:
            raise ImportError(f"{module} is heavy")

heavy, modules = (words.split() for words in sys.argv[1:])
sys.meta_path.insert(0, Refuse())
for module in modules:
    importlib.import_module(module)
print([name for name in heavy if name in sys.modules])
"""
    answer = subprocess.run(
        [sys.executable, "-c", program, " ".join(HEAVY), " ".join(modules)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (answer.returncode, answer.stdout.strip()) == (0, "[]"), answer.stderr[-2000:]


def test_what_is_called_pure_is_held_to_it() -> None:
    held = {ROOT / f"{module.replace('.', '/')}.py" for module in PURE}
    called_pure = (
        path
        for path in python(*PRODUCT)
        if re.search(r"(?:[;.]|\ba) pure\b", ast.get_docstring(tree(path)) or "", re.I)
    )
    assert [name(path) for path in called_pure if path not in held] == []


def test_pages_that_read_by_queries_know_no_database() -> None:
    # Each page that is redrawn joins them; its slice's queries open their own unit of work.
    models = "admin/accounts.py admin/plugins.py admin/warehouses.py integrations/settings_page.py"
    shared = "actions.py forms.py items/shipping_mappings.py"
    pages = [ROOT / "web" / path for path in f"{models} {shared}".split()]
    assert [
        f"{name(path)}:{line}" for path in pages for module, line in imported(path) if is_under(module, *HEAVY[:1])
    ] == []
    opens_unit = re.compile(r"\.db\.(read|write)$")
    assert breaches(iter(pages), lambda node: bool(opens_unit.search(called(node)))) == []


def test_unit_tests_use_no_server() -> None:
    def arguments(path: Path) -> set[str]:
        functions = (node for node in nodes(path) if isinstance(node, ast.FunctionDef))
        return {argument.arg for function in functions for argument in function.args.args}

    unit = [path for path in python("tests") if re.search(r"^pytestmark = .*mark\.unit", path.read_text("utf-8"), re.M)]
    assert unit
    fixtures = {node.name for node in tree(ROOT / "tests/conftest.py").body if isinstance(node, ast.FunctionDef)}
    # Carts are loaded and Amazon's models read without any. The simulator's tests have an `amazon` of their own.
    servers = {*fixtures, "harness", "live", "board", "journey"} - {"carts", "models"}
    for path in unit:
        own = {"amazon"} if "simulator" in path.parts else set()
        assert arguments(path) & (servers - own) == set(), name(path)
        heavy = {module for module, _ in imported(path) if is_under(module, *HEAVY)}
        assert heavy == set(), name(path)


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {dotted(path): path for path in python(*EVERYTHING_THAT_RUNS)}
    graph = {}
    for module, path in modules.items():
        names = [each for each, _ in imported(path)]
        found = {each if each in modules else each.rpartition(".")[0] for each in names}
        graph[module] = (found & modules.keys()) - {module}
    TopologicalSorter(graph).prepare()


def test_all_that_is_asked_for_is_pinned() -> None:
    def pins(file: str) -> dict[str, str]:
        lines = [line.partition("#")[0].strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
        wanted = [Requirement(line) for line in lines if line and not line.startswith("-")]
        assert [str(each) for each in wanted if not str(each.specifier).startswith("==")] == []
        return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in wanted}

    pinned, pinned_for_tests = pins("requirements.txt"), pins("requirements-test.txt")
    assert not pinned.keys() & pinned_for_tests.keys()
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    asked_for = (
        (setup["options"]["install_requires"], pinned),
        (setup["options.extras_require"]["test"], pinned | pinned_for_tests),
    )
    for lines, pins_of in asked_for:
        for line in filter(None, lines.split("\n")):
            wanted = Requirement(line)
            assert wanted.specifier.contains(pins_of[canonicalize_name(wanted.name)]), line
