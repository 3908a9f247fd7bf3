"""What a wheel of IS2 holds, and that it runs where no checkout is."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from is2_core.crypto import Keyring

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("is2_core", "plugins", "web", "cli", "exploration")
PROGRAM = """
from is2_core.bootstrap import build_platform
from is2_core.config import Config
import web
from web.app import create_app

app = create_app(build_platform(Config.from_environment()))
for path in ("/sign-in", "/static/app.css"):
    print(path, app.test_client().get(path).status_code)
print(web.__file__)
"""


def run(folder: Path, *command: str | Path, **environment: str) -> str:
    """Run a command outside the checkout; its output."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=folder, env={**clean, **environment}, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_a_wheel_is_complete_and_runs_outside_the_checkout(tmp_path: Path) -> None:
    # Built from a copy of what git knows: a build folder of the checkout might lend what the settings leave out.
    source = tmp_path / "source"
    names = run(ROOT, "git", "ls-files", "-z").split("\0")
    for name in filter(None, names):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    run(source, sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ".")
    (wheel,) = tmp_path.glob("is2-*.whl")
    with ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    ours = {name for name in names if name.startswith(tuple(f"{package}/" for package in PACKAGES))}
    left_out = {name for name in ours - inside if not name.endswith(".md")}
    assert left_out == set()

    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv/bin/python"
    (site,) = (tmp_path / "venv/lib").glob("*/site-packages")
    # What it depends on is taken from here; an editable install is not followed from there.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    run(tmp_path, sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel)
    settings = {
        "IS2_DATABASE_URL": f"sqlite:///{tmp_path}/is2.db",
        "IS2_REDIS_URL": "redis://127.0.0.1:1",
        "IS2_ENCRYPTION_KEYS": Keyring.generate("wheel"),
        "IS2_SESSION_SECRET": "a session secret for tests, 40 letters",
    }
    is2 = tmp_path / "venv/bin/is2"
    assert "db" in run(tmp_path, is2, "--help")
    run(tmp_path, is2, "db", "upgrade", **settings)
    answers = run(tmp_path, python, "-c", PROGRAM, **settings).splitlines()
    assert answers[-1].startswith(str(site))
    assert [line.split()[-1] for line in answers[:-1]] == ["200", "200"]
