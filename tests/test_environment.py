"""pyproject.toml, requirements.lock and environment.yml agree, and the README's commands exist."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import lessons
import pytest
import yaml
from lessons import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import MatchSpec

import ganlab

PIN = re.compile(r"^([a-z0-9-]+)==([0-9][0-9a-z.]*)(?:\s+# via .*)?$")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads(read("pyproject.toml"))["project"]


def pins(lock: str) -> dict[str, str]:
    """Return {name: version} of a lock; raise ValueError for a line that another machine could not install."""
    found = {}
    for line in lock.splitlines():
        if line.startswith("#"):
            continue
        if not (match := PIN.match(line)) or line.startswith("nvidia"):
            raise ValueError(f"not a plain `name==version`: {line!r}")
        found[match[1]] = match[2]
    return found


NOT_IMPORTED = {"jupyterlab", "soupsieve"}  # what lessons run in, and a limit for Python 3.11.2's sake


def asked(lines: list[str]) -> list[Requirement]:
    return [Requirement(line) for line in lines]


def versions(requirement: Requirement) -> set[str]:
    return {part.operator for part in requirement.specifier}


def test_the_lock_pins_a_version_in_each_range_of_pyproject(project: dict) -> None:
    extras = project["optional-dependencies"]
    locked = pins(read("requirements.lock"))
    for requirement in asked([*project["dependencies"], *extras["test"], *extras["export"]]):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement
        assert "==" not in versions(requirement) or requirement.name == "ruff"  # which formats as one version does


@pytest.mark.parametrize("extra", ["instructor", "book"])
def test_an_extras_own_lock_adds_to_the_other_and_repeats_nothing(project: dict, extra: str) -> None:
    course, added = pins(read("requirements.lock")), pins(read(f"requirements-{extra}.lock"))
    for requirement in asked(project["optional-dependencies"][extra]):
        assert requirement.specifier.contains((course | added)[canonicalize_name(requirement.name)]), requirement
        assert "==" not in versions(requirement)
    assert not set(course) & set(added)


def imported(tree: ast.Module) -> set[str]:
    """Return the packages outside the standard library that a module imports, at its top or inside a function."""
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 0}
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"ganlab"}


def undeclared(modules: dict[str, set[str]], project: dict, providers: dict[str, list[str]]) -> list[str]:
    """Return what `modules`, a path's imports each, ask for and nobody declared for that part of the package."""
    extras = project["optional-dependencies"]
    own = {
        "classroom": extras["instructor"],
        "cli": [*extras["export"], *extras["video"]],
        "data": extras["drawing"],
    }
    complaints = []
    for path, names in modules.items():
        lines = [*project["dependencies"], *own.get(Path(path).parts[0], [])]
        declared = {canonicalize_name(requirement.name) for requirement in asked(lines)}
        complaints += [
            f"{path} imports {name}"
            for name in names
            if not declared & {canonicalize_name(distribution) for distribution in providers.get(name, [name])}
        ]
    return sorted(complaints)


def test_what_the_package_imports_is_declared_and_what_is_declared_is_imported(project: dict) -> None:
    files = {path.relative_to(ROOT / "ganlab").as_posix(): path for path in (ROOT / "ganlab").rglob("*.py")}
    modules = {name: imported(ast.parse(path.read_text(encoding="utf-8"))) for name, path in files.items()}
    providers = importlib.metadata.packages_distributions()
    assert undeclared(modules, project, providers) == []
    names = set().union(*modules.values())
    distributions = {canonicalize_name(one) for name in names for one in providers.get(name, [])}
    # a module's file inside another's package: read as data, not imported
    declared = {canonicalize_name(requirement.name) for requirement in asked(project["dependencies"])}
    assert declared - distributions - {"basemap-data"} == NOT_IMPORTED


def test_an_undeclared_import_is_seen(project: dict) -> None:
    tree = ast.parse("import os, torch\ndef f():\n    from sklearn.svm import SVC\n    import psutil.os")
    providers = {"torch": ["torch"], "sklearn": ["scikit-learn"], "psutil": ["psutil"]}
    modules = {"models/a.py": imported(tree), "classroom/b.py": imported(tree)}
    expected = ["classroom/b.py imports sklearn", "models/a.py imports psutil", "models/a.py imports sklearn"]
    assert undeclared(modules, project, providers) == expected


@pytest.mark.parametrize(
    "line",
    [
        "torch==2.13.0+cpu",
        "nvidia-nccl-cu13==2.0",
        "--find-links wheels",
        "-e .",
        "numpy>=2",
        "x @ file:///x.whl",
        "a==1 --hash=b",
    ],
)
def test_a_lock_that_only_one_machine_could_install_is_rejected(line: str) -> None:
    with pytest.raises(ValueError, match="not a plain"):
        pins(f"# made by hand\nnumpy==2.4.6  # via torch\n{line}\n")


def test_conda_gets_the_same(project: dict) -> None:
    environment = yaml.safe_load(read("environment.yml"))
    *specs, with_pip = environment["dependencies"]
    assert with_pip == {"pip": ["-r requirements.lock", "-e ."]}
    parsed = [MatchSpec(spec) for spec in specs]  # raises for a spec that conda would not understand
    assert [spec.name.normalized for spec in parsed] == ["python", "pip"]
    version = specs[0].removeprefix("python=")
    assert SpecifierSet(project["requires-python"]).contains(version)
    assert environment["name"] == project["name"]


def make_targets(makefile: str) -> set[str]:
    return set(re.findall(r"^([a-z]+):.*## ", makefile, flags=re.MULTILINE))


def make_commands(readme: str) -> set[str]:
    """Return the targets of the make commands in the README's code, in a block or between backticks."""
    code = re.findall(r"```.*?```|`[^`\n]+`", readme, flags=re.DOTALL)
    return set(re.findall(r"\bmake ([a-z]+)", "\n".join(code)))


def test_the_readme_and_the_teachers_guide_name_only_commands_that_exist() -> None:
    used = make_commands(read("README.md"))
    targets = make_targets(read("Makefile"))
    assert {"lab", "test"} <= used <= targets
    lines = read("notebooks/assignments/README.md").splitlines()
    guide = make_commands("\n".join(line for line in lines if "›" not in line))  # that leads to a place in a lesson
    assert {"release", "import", "grade", "marking", "export", "questions", "similar"} <= guide <= targets
    assert make_commands("Text: make sure. `make lab` and\n```\nmake test ARGS=-x\n```\n") == {"lab", "test"}


def test_every_make_target_is_phony_and_explained() -> None:
    makefile = read("Makefile")
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert set(phony.split()) == make_targets(makefile)


def lint_commands(makefile: str) -> list[list[str]]:
    """Return the commands of `make lint`, by the Python that runs this."""
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE)[1]
    return [[sys.executable, *line.split()[1:]] for line in recipe.splitlines()]


def test_make_lint_is_green() -> None:
    """Complexity, names that are missing, line lengths: of the package, the tests, the lessons and assignments."""
    commands = lint_commands(read("Makefile"))
    assert [command[1:5] for command in commands] == [["-m", "ruff", "check", "."], ["-m", "ruff", "format", "--check"]]
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", ["", "train/", "classroom/"])
def test_lint_refuses_a_function_of_the_package_with_thirteen_ways_through(folder: str) -> None:
    for branches, refused in ((11, False), (12, True)):
        tests = "".join(f"    if x == {k}:\n        return {k}\n" for k in range(branches))
        source = f"def f(x):\n{tests}    return x\n"
        ruff = [sys.executable, "-m", "ruff", "check", f"--stdin-filename=ganlab/{folder}guard.py", "-"]
        done = subprocess.run(ruff, cwd=ROOT, input=source, capture_output=True, text=True)
        assert ("C901" in done.stdout) == refused and (done.returncode == 1) == refused


def test_the_readme_and_lesson_00_say_what_the_course_takes_and_where_it_was_never_tried() -> None:
    first = " ".join(lessons.read(lessons.lessons()[0]).cells[k].source for k in range(6)).replace("\n", " ")
    readme = read("README.md").replace("\n", " ")
    takes = readme.partition("**What it takes.**")[2], first.partition("**What the course takes.**")[2]
    assert all("4 GB of free memory" in text and "2.1 GB" in text for text in takes)
    untried = readme.partition("Not tried: ")[2].partition("### ")[0]
    for name in ("Windows", "macOS", "GPU", "Colab"):
        assert name in untried and name in takes[1], name
    assert all(name in untried for name in ("conda", "Binder", "VS Code"))


def test_the_citation_is_of_this_version_under_these_licences(project: dict) -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)  # what the format asks for
    assert citation["version"] == ganlab.__version__ and citation["title"].startswith(project["name"])
    holder = re.search(r"Copyright \(c\) \d+ (.+)", read("LICENSE"))[1]
    assert [author["name"] for author in citation["authors"]] == [holder]
    assert citation["license"] == [project["license"], "CC-BY-4.0"] and "CC BY 4.0" in read("LICENSE-TEXT")
