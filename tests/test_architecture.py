"""The house: packages import only from those above them, nothing in a circle, and what is public is explained."""

import ast
import dataclasses
import graphlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import lessons
import options
import pytest
import torch

from ganlab import metrics, models, runtime, train

ROOT = lessons.ROOT
PACKAGE = ROOT / "ganlab"
# A package imports only from those above it here; a module of several that stand on one line, from those before it.
PACKAGES = (
    "runtime",
    "probability",
    "losses",
    "metrics",
    "toys",
    "styles",
    "checkpoint",
    "data",
    "plots",
    "models",
    "train",
    "widgets",
    "check",
    "classroom",
    "cli",
    "__main__",
)
APART = ("nodelay",)  # Jupyter's server loads it: it imports nothing of the course's
# A step reads as its mathematics: critic, generator, optimizer, real, z, objective. So do these, with four of them.
FORMULAS = {"train/steps.py"}
FOUR = {"r1", "r2", "r1_r2", "gradient_penalty", "move", "VAE.log_weights", "traversal", "threshold_state"}
# Four things without which there is nothing to do, in the order in which a lesson names them.
FOUR |= {"Ensemble.__init__", "fit_style", "fit_translation", "Clinic.__init__", "Quiz.__init__"}
ONCE = ("is_visible", "is_enabled", "is_checked", "input_value", "all_inner_texts")
FILLERS = {"found", "told", "how", "way", "share", "look"}  # a name says what was found, or told
FIELDS_WORDS = {"test_share"}  # whose share it is, the name says
# Options that nobody passes today, and why they are there.
FIT = "every fit_ takes what Run takes, so that a reader who knows one knows all"
DOORS = {
    "fit_classifier(keep=)": FIT,
    "fit_classifier(optimizers=)": FIT,
    "fit_cyclegan(keep=)": FIT,
    "fit_cyclegan(optimizers=)": FIT,
    "fit_cyclegan(shown=)": FIT,
    "fit_flow(keep=)": FIT,
    "fit_flow(optimizers=)": FIT,
    "fit_style(shown=)": FIT,
    "fit_translation(shown=)": FIT,
    "fit_vae(optimizers=)": FIT,
    "MotionGenerator(content_dim=)": "how large z is, as `latent_dim` of the other generators",
    "MotionGenerator(motion_dim=)": "how large z is",
    "SpriteGenerator(content_dim=)": "how large z is",
    "SpriteGenerator(motion_dim=)": "how large z is",
    "paint(trunk=)": "a network of the reader's own that says what style is; a small one in tests",
    "StyleTask(trunk=)": "the same",
    "TrunkFeatures(names=)": "the layers on which a reader compares pictures",
    "Contention(clocks=)": "a test's own clocks: nothing else slows a machine at will",
}
FILE_LINES = 400  # ruff counts the complexity of functions: at most 12

Function = ast.FunctionDef | ast.AsyncFunctionDef
FILES = sorted(PACKAGE.rglob("*.py"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())


def module(path: Path) -> str:
    """Return the name by which PACKAGES knows a file: its module, or the package it lies in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(tree: ast.Module) -> set[str]:
    """Return the modules of ganlab that a module imports, at its top or inside a function: "data.sets", "losses"."""
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: import from ganlab by its full name, not relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        modules |= {name.removeprefix("ganlab.") for name in names if name.startswith("ganlab.")}
    return modules


def is_above(other: str, name: str) -> bool:
    return other in PACKAGES and name in PACKAGES and PACKAGES.index(other) < PACKAGES.index(name)


def upward_imports(name: str, tree: ast.Module) -> list[str]:
    """Return the packages that a module of package `name` imports although they do not stand above its own."""
    others = {module.split(".")[0] for module in imported_modules(tree)} - {name}
    return sorted(other for other in others if not is_above(other, name))


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Return modules that import each other in a circle, or nothing; `imports` maps each module to what it imports."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def import_graph(sources: dict[str, str]) -> dict[str, set[str]]:
    """Return, for each module's name and source, which of the modules it imports; a package stands for its door."""
    graph = {}
    for name, source in sources.items():
        asked = imported_modules(ast.parse(source))
        # "models.mlp.mlp" is the function in models/mlp.py, "models.mlp" that file, "models.latents" the door's
        known = {next((m for m in (n, n.rpartition(".")[0]) if m in sources), None) for n in asked}
        graph[name] = known - {None, name}
    return graph


def rooms_entered(work: Callable[[], object]) -> set[tuple[str, ...]]:
    """Return, for each call within `work`, the packages on the way to it from the first, each as it was entered.

    ("train", "checkpoint", "runtime") is a function of train's that called one of checkpoint's, which called one of
    runtime's, at whatever depth; a package that calls back into one before it would stand there twice.
    """
    ways: set[tuple[str, ...]] = set()

    def note(frame: FrameType | None, event: str, argument: object) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(f"{PACKAGE}/"):
            return
        way: list[str] = []
        while frame is not None:
            if frame.f_code.co_filename.startswith(f"{PACKAGE}/"):
                name = module(Path(frame.f_code.co_filename))
                way += [] if way[-1:] == [name] else [name]
            frame = frame.f_back
        ways.add(tuple(reversed(way)))

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return ways


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def public(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield the public functions and classes of a module, and the public methods of those classes."""
    for node in tree.body:
        if isinstance(node, (Function, ast.ClassDef)) and not node.name.startswith("_"):
            yield node.name, node
            for method in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(method, Function) and not re.match(r"_(?!_init__)", method.name):
                    yield f"{node.name}.{method.name}", method


def unexplained(tree: ast.Module) -> list[str]:
    """Return what is public and lacks a docstring or a type hint; the class's docstring covers `__init__`."""
    complaints = []
    for name, node in public(tree):
        if not name.endswith("__init__") and not ast.get_docstring(node):
            complaints.append(f"{name} has no docstring")
        if isinstance(node, Function):
            given = node.args
            arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            named = [argument for argument in arguments if argument and argument.arg not in ("self", "cls")]
            complaints += [f"{name}: no type for {argument.arg}" for argument in named if not argument.annotation]
            complaints += [] if node.returns else [f"{name}: no return type"]
    return complaints


def unnamed_arguments(tree: ast.Module) -> list[str]:
    """Return what is public and takes more than three arguments by place, or more than the four of FOUR."""
    complaints = []
    for name, node in public(tree):
        if isinstance(node, Function):
            places = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            places = places[1:] if places[:1] in (["self"], ["cls"]) else places
            if len(places) > 4 or (len(places) == 4 and (node.args.defaults or name not in FOUR)):
                complaints.append(f"{name}: {', '.join(places[3:])} should be keyword-only")
    return complaints


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of all that is defined, passed, bound, read or imported under a name."""
    for node in ast.walk(tree):
        named = [getattr(node, field, None) for field in ("name", "id", "attr", "arg", "asname")]
        yield from ((getattr(node, "lineno", 0), name) for name in named if isinstance(name, str))


def fillers(tree: ast.AST) -> list[str]:
    """Return the names that are participles or fillers, or have one among their words."""
    said = {(line, name) for line, name in names(tree) if name not in FIELDS_WORDS}
    return [f"line {line}: {name}" for line, name in sorted(said) if FILLERS & set(name.split("_"))]


def form(value: ast.expr) -> str:
    """Return what kind of value an expression is: a number, a call, a list."""
    if isinstance(value, ast.UnaryOp):
        return form(value.operand)
    if not isinstance(value, ast.Constant):
        return type(value).__name__
    return "number" if type(value.value) in (int, float) else type(value.value).__name__


def packed(tree: ast.AST) -> list[str]:
    """Return the tuple assignments of values that are of several forms, or more than three: no thought is so long."""
    tuples = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)
    )
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in tuples
        if len(node.value.elts) > 3 or len(set(map(form, node.value.elts))) > 1
    ]


def too_long(source: str) -> list[str]:
    lines = source.count("\n")
    return [f"{lines} lines, about {FILE_LINES} are allowed"] if lines > FILE_LINES else []


def star_imports(tree: ast.Module) -> list[str]:
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return [f"line {node.lineno}: from {node.module} import *" for node in froms if node.names[0].name == "*"]


def unsafe_loading(source: str) -> list[str]:
    """Return uses of what executes code while it reads a file."""
    return re.findall(
        r"\b(?:import (?:c?[pP]ickle|dill|shelve|joblib)|(?<!\.)torch\.(?:load|save)|allow_pickle=True)\b", source
    )


def waits_in_steps(tree: ast.Module) -> list[str]:
    """Return the calls of `.item()` in step functions: each waits for the device, at every step."""
    return [
        f"{function.name}, line {node.lineno}: .item()"
        for function in functions(tree)
        if function.name.endswith("_step")
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == "item"
    ]


@each_file
def test_packages_import_only_from_those_above_them(path: Path) -> None:
    name = module(path)
    if name in ("__init__", *APART):
        assert imported_modules(ast.parse(path.read_text(encoding="utf-8"))) == set()
        return
    assert name in PACKAGES, "give the package a place, here and in the README"
    assert upward_imports(name, ast.parse(path.read_text(encoding="utf-8"))) == []


def test_nothing_is_imported_in_a_circle() -> None:
    names = {path: ".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in FILES}
    sources = {name.removesuffix(".__init__"): path.read_text(encoding="utf-8") for path, name in names.items()}
    graph = import_graph(sources)
    assert sum(map(len, graph.values())) > 100  # it sees them
    assert circle(graph) == []


def test_a_walk_from_a_door_to_a_checkpoint_crosses_three_rooms_and_returns_to_none(tmp_path: Path) -> None:
    """Whatever a game of two steps calls, that is kept, measured, looked at and resumed."""

    def played() -> None:
        generator, critic = models.MLPGenerator(2, (2,), (4,)), models.MLPCritic((2,), (4,))
        settings = train.GANSettings(2, precision="float32", penalty="r1")
        keep = train.Keep(
            lambda run: {"first": 0.0}, 1, 1, checkpoint=tmp_path / "run.safetensors", checkpoint_every=1, resume=True
        )
        for steps in (1, 2):
            longer = dataclasses.replace(settings, steps=steps)
            source = torch.zeros(8, 2)
            train.fit_gan(generator, critic, source, settings=longer, keep=keep, device="cpu", progress=False)

    ways = rooms_entered(played)
    assert ("train", "checkpoint", "runtime") in ways and ("train", "data", "runtime") in ways
    assert {way for way in ways if len(way) > 3 or len(set(way)) < len(way)} == set()


def test_a_walk_that_returns_is_seen() -> None:
    def bootstrap() -> object:
        return metrics.bootstrap(lambda x: 0.0, torch.zeros(2, 1), draws=2)

    ways = rooms_entered(lambda: runtime.fastest({"": bootstrap}, torch.device("cpu"), 0.0))
    assert ways == {("runtime",), ("runtime", "metrics"), ("runtime", "metrics", "runtime")}


@each_file
def test_what_is_public_is_explained(path: Path) -> None:
    if path.parent.name == "solutions" and path.stem.startswith("lesson_"):
        return  # written as lessons are, without types: test_solutions.py holds them to the lessons' own stubs
    assert unexplained(ast.parse(path.read_text(encoding="utf-8"))) == []


@each_file
def test_all_but_the_first_arguments_are_passed_by_name(path: Path) -> None:
    if path.relative_to(PACKAGE).as_posix() not in FORMULAS and not path.stem.startswith("lesson_"):
        assert unnamed_arguments(ast.parse(path.read_text(encoding="utf-8"))) == []


@each_file
def test_names_say_what_they_hold(path: Path) -> None:
    assert fillers(ast.parse(path.read_text(encoding="utf-8"))) == []


@each_file
def test_a_tuple_assignment_holds_one_thought(path: Path) -> None:
    assert packed(ast.parse(path.read_text(encoding="utf-8"))) == []


def test_every_option_has_a_user() -> None:
    unused = options.unused(options.modules().values(), options.uses())
    assert sorted(set(unused) - set(DOORS)) == [], "remove it, or say in DOORS what door it is"
    assert sorted(set(DOORS) - set(unused)) == [], "it has a user by now"


def test_an_option_is_used_by_name_by_place_by_a_plan_and_by_a_table_but_not_by_a_namesake() -> None:
    tree = ast.parse(
        "def f(a, b=1, *, c=2): pass\nclass A:\n    def __init__(self, *, d=1): pass\n"
        "@dataclass(frozen=True)\nclass B:\n    e: int = 0\n    f: int = field(init=False)"
    )
    every = ["f(b=)", "f(c=)", "A(d=)", "B(e=)"]
    owners = {"f", "A", "B"}
    for code, used in {
        "f(0)\ng(b=1, c=2)\nh(d=1)": [],
        "f(0, 1)": ["f(b=)"],
        "partial(f, c=1)": ["f(c=)"],
        "x = ('A', {'d': 2})": ["A(d=)"],
        "class Heir(B): pass\nHeir(e=1)": ["B(e=)"],
        "TABLE = {'x': f}\nTABLE['x'](c=1)": ["f(c=)"],
        "new(A, d=1)": ["A(d=)"],
        "__all__ = ['f', 'A']\n{'c': 1, 'd': 2}": [],
    }.items():
        passed = options.Uses(owners)
        passed.visit(ast.parse(code))
        assert options.unused([tree], passed) == [option for option in every if option not in used], code


@each_file
def test_files_are_short(path: Path) -> None:
    assert too_long(path.read_text(encoding="utf-8")) == []


@each_file
def test_no_star_imports_and_no_unsafe_loading(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert star_imports(ast.parse(source)) + unsafe_loading(source) == []


def test_a_figure_becomes_a_file_in_one_place() -> None:
    """On its card, with the same bytes for the same figure."""
    assert [path.name for path in FILES if ".savefig(" in path.read_text(encoding="utf-8")] == ["plots.py"]


def test_lessons_load_nothing_unsafely() -> None:
    cells = [cell.source for path in lessons.lessons() for cell in lessons.code_cells(lessons.read(path))]
    assert unsafe_loading("\n".join(cells)) == []


def test_steps_do_not_wait_for_the_device() -> None:
    tree = ast.parse((PACKAGE / "train" / "steps.py").read_text(encoding="utf-8"))
    assert {"critic_step", "generator_step"} <= {function.name for function in functions(tree)}
    assert waits_in_steps(tree) == []


def reads_once(tree: ast.AST) -> list[str]:
    """Return where a test asserts what a page shows at that moment: a slow machine shows it a little later."""
    asked = [call for node in ast.walk(tree) if isinstance(node, ast.Assert) for call in ast.walk(node.test)]
    names = [call.func for call in asked if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)]
    return [
        f"line {name.lineno}: ask expect(), which waits, and not {name.attr}()" for name in names if name.attr in ONCE
    ]


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("test_*_in_browser.py")), ids=lambda path: path.stem)
def test_a_test_in_the_browser_waits_for_what_it_asserts(path: Path) -> None:
    assert reads_once(ast.parse(path.read_text(encoding="utf-8"))) == []


def readme_house(readme: str) -> dict[str, set[str]]:
    """Return what the README's picture of the house shows: each package or module, and the modules it lists."""
    picture = next((block for block in re.findall(r"```.*?```", readme, re.DOTALL) if "ganlab/" in block), "")
    rooms = picture.split("ganlab/", 1)[-1]
    return {name: set(words.split()) for name, words in re.findall(r"^ {2}(\w+)/? +\[([\w ]*)\]", rooms, re.MULTILINE)}


def test_readme_shows_every_module() -> None:
    inside: dict[str, set[str]] = {name: set() for name in (*PACKAGES, *APART)}
    for path in FILES:
        if module(path) != "__init__" and path.stem != "__init__" and not path.stem.startswith("lesson_"):
            inside[module(path)] |= {path.stem} - {module(path)}
    assert readme_house((ROOT / "README.md").read_text(encoding="utf-8")) == inside


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        (lambda source: upward_imports("losses", ast.parse(source)), "from ganlab import models"),
        (lambda source: upward_imports("losses", ast.parse(source)), "def f():\n    import ganlab.train"),
        (lambda source: upward_imports("losses", ast.parse(source)), "from ganlab.metrics import modes"),
        (lambda source: upward_imports("data", ast.parse(source)), "from ganlab.train import fit_gan"),
        (lambda source: star_imports(ast.parse(source)), "from math import *"),
        (lambda source: unexplained(ast.parse(source)), "def f() -> int:\n    return 1"),
        (lambda source: unexplained(ast.parse(source)), "def f(x) -> int:\n    'Doc.'"),
        (lambda source: unexplained(ast.parse(source)), "class A:\n    'Doc.'\n    def f(self):\n        'Doc.'"),
        (lambda source: unnamed_arguments(ast.parse(source)), "def f(a, b, c, d):\n    return a"),
        (lambda source: unnamed_arguments(ast.parse(source)), "def r1(a, b, c, d=1):\n    return a"),
        (lambda source: unnamed_arguments(ast.parse(source)), "def f(a, b, c, d, e):\n    return a"),
        (
            lambda source: unnamed_arguments(ast.parse(source)),
            "class A:\n    def __init__(self, a, b, c, d=1):\n        pass",
        ),
        (lambda source: fillers(ast.parse(source)), "found = 1"),
        (lambda source: fillers(ast.parse(source)), "def f(*, how=1):\n    return 1"),
        (lambda source: fillers(ast.parse(source)), "class A:\n    def _told(self):\n        pass"),
        (lambda source: fillers(ast.parse(source)), "class A:\n    share: float"),
        (lambda source: fillers(ast.parse(source)), "f(way=1)"),
        (lambda source: fillers(ast.parse(source)), "def look_through():\n    pass"),
        (lambda source: fillers(ast.parse(source)), "run.way_on = 1"),
        (lambda source: fillers(ast.parse(source)), "self.look = 1"),
        (lambda source: packed(ast.parse(source)), "generator, rates = network(), {}"),
        (lambda source: packed(ast.parse(source)), "title, steps = '', 0"),
        (lambda source: packed(ast.parse(source)), "self.a, self.b, self.c, self.d = a, b, c, d"),
        (too_long, "x = 1\n" * 401),
        (unsafe_loading, "import pickle"),
        (unsafe_loading, "torch.load('x')"),
        (lambda source: reads_once(ast.parse(source)), "assert field.input_value() == '7.5'"),
        (lambda source: waits_in_steps(ast.parse(source)), "def critic_step(loss):\n    return loss.item()"),
    ],
)
def test_a_broken_sample_is_rejected(check: Callable[[str], list[str]], broken: str) -> None:
    assert check(broken)
    assert not check("import torch\n\n\ndef f(x: int) -> int:\n    '''Doc.'''\n    return x\n")


def test_a_circle_is_seen() -> None:
    sources = {"a": "from ganlab import b", "b": "from ganlab.c.d import f", "c.d": "", "c": "from ganlab.c.d import f"}
    assert import_graph(sources) == {"a": {"b"}, "b": {"c.d"}, "c.d": set(), "c": {"c.d"}}
    assert circle(import_graph(sources)) == []
    assert set(circle(import_graph(sources | {"c.d": "def f():\n    import ganlab.a"}))) == {"a", "b", "c.d"}


def test_the_readme_picture_is_read() -> None:
    picture = "notebooks/  lessons\nganlab/\n  data/    [sets batches]   image sets\n  losses   []   L\n"
    assert readme_house(f"text\n```\n{picture}```\n") == {"data": {"sets", "batches"}, "losses": set()}
