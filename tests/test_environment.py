"""pyproject.toml, requirements.lock and environment.yml agree, and the README's commands exist."""

import re
import tomllib

import pytest
import yaml
from lessons import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import MatchSpec

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


def test_the_lock_pins_what_pyproject_asks_for(project: dict) -> None:
    asked = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    locked = pins(read("requirements.lock"))
    for requirement in map(Requirement, asked):
        [pin] = requirement.specifier
        assert (pin.operator, pin.version) == ("==", locked[canonicalize_name(requirement.name)])


def test_the_instructors_lock_adds_to_the_other_and_repeats_nothing(project: dict) -> None:
    course, added = pins(read("requirements.lock")), pins(read("requirements-instructor.lock"))
    [nbgrader] = map(Requirement, project["optional-dependencies"]["instructor"])
    assert str(nbgrader.specifier) == f"=={added[nbgrader.name]}"
    assert not set(course) & set(added)


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


def test_the_readme_names_only_commands_that_exist() -> None:
    used = make_commands(read("README.md"))
    assert {"lab", "test"} <= used <= make_targets(read("Makefile"))
    assert make_commands("Text: make sure. `make lab` and\n```\nmake test ARGS=-x\n```\n") == {"lab", "test"}


def test_every_make_target_is_phony_and_explained() -> None:
    makefile = read("Makefile")
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert set(phony.split()) == make_targets(makefile)
