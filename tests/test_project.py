"""The repository as a whole: clean code, imports that point one way, a README that is true, nothing out of place."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from detector.cli import command_line

TOP_LEVEL = {"app", "detector", "resources", "tests", "main.py", "pyproject.toml", "README.md", "LICENSE", ".ci"}
LARGEST = 10 * 2**20


def tool(repository: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def tracked(repository: Path) -> list[str]:
    listed = tool(repository, "git", "ls-files", "-z")
    if listed.returncode:
        pytest.skip("needs a git checkout, to know which files belong to it")
    return listed.stdout.rstrip("\0").split("\0")


@pytest.fixture(scope="module")
def readme(repository: Path) -> str:
    return (repository / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "-m", "ruff", "check"),
        (sys.executable, "-m", "pyright", "--pythonpath", sys.executable),
        (str(Path(sys.executable).with_name("lint-imports")),),
    ],
    ids=["ruff", "pyright", "import-linter"],
)
def test_checkers_find_nothing(repository: Path, command: tuple[str, ...]) -> None:
    checked = tool(repository, *command)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_only_what_belongs_is_at_the_top(tracked: list[str]) -> None:
    assert {name.split("/")[0] for name in tracked} - TOP_LEVEL <= {".gitignore"}


def test_no_file_is_large(repository: Path, tracked: list[str]) -> None:
    assert not [name for name in tracked if (repository / name).stat().st_size > LARGEST]


def test_the_readmes_command_lines_are_understood(readme: str) -> None:
    lines = [line for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) for line in block.splitlines()]
    calls = [line.rpartition("main.py ")[2] for line in lines if "main.py " in line]
    commands = get_command(command_line()).commands  # type: ignore[attr-defined]
    assert {call.split()[0] for call in calls} == set(commands)
    for call in calls:
        name, *arguments = shlex.split(call)
        commands[name].make_context(name, arguments)  # raises UsageError


def test_ci_runs_the_readmes_command(repository: Path, readme: str) -> None:
    script = (repository / ".ci" / "run").read_text("utf-8")
    assert os.access(repository / ".ci" / "run", os.X_OK)
    assert "grep -m1 -e '-m pytest$' README.md" in script
    assert "install" not in script
    (line,) = (line for line in readme.splitlines() if line.endswith("-m pytest"))
    assert line == 'python3 -m venv .venv && .venv/bin/pip install -e ".[test]" && .venv/bin/python -m pytest'


def test_slow_cases_are_sampled(repository: Path, tmp_path: Path) -> None:
    shutil.copy(repository / "tests" / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow: long")
    cases = "@pytest.mark.slow\n@pytest.mark.parametrize('n', range(150))\ndef test_it(n): pass\ndef test_other(): pass"
    (tmp_path / "test_some.py").write_text(f"import pytest\n{cases}\n")
    ends = {("CI", "true"): "4 passed, 147 skipped", ("CI", ""): "1 passed, 150 skipped", ("", "--slow"): "151 passed"}
    for (variable, value), end in ends.items():
        options = [] if variable else [value]
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path), *options],
            env={**os.environ, "CI": value if variable else ""},
            capture_output=True,
            text=True,
        )
        assert ran.stdout.splitlines()[-1].startswith(end), ran.stdout
