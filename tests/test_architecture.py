"""The rules of the tree: which package may import which, what an import costs, and what no file may do."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from textwrap import indent

import pytest

Function = ast.FunctionDef | ast.AsyncFunctionDef
ROOT = Path(__file__).parent.parent
PACKAGES = ("loop", "generators", "learners", "experiments")
CONTRACTS = {  # what generators and learners may import of the loop
    "loop.rows",
    "loop.types",
    "loop.encoders",
    "loop.protocols",
    "loop.errors",
    "loop.seeds",
    "loop.catalogue",
    "loop.support",
    "loop.data.schema_json",
    "loop.data.schema_difference",
    "loop.data.thinning",
    "loop.data.value_grid",
    "loop.expressions",
}
MOST_FILES = 15  # Python files in a folder, its __init__ not counted
LONGEST_FILE = 300  # lines
LAWS = "loop/testing/"  # the one place for assertions: laws are assertions, and refuse to run where -O strips them
LONGEST_FUNCTION = 40  # lines from def to the end, the docstring not counted
MOST_PARAMETERS = 8  # of a function, self and cls not counted
UNSAFE_CALLS = {"eval", "exec", "pickle.load", "pickle.loads", "joblib.load", "yaml.load", "yaml.unsafe_load"}
GLOBAL_RANDOMNESS = ("np.random.seed", "numpy.random.seed", "random.seed", "torch.manual_seed")


def modules(root: Path) -> Iterator[tuple[str, str, ast.Module]]:
    """Yield package, path and syntax tree of every module of the packages under a root."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield package, str(path.relative_to(root)), _parsed(path.read_text())


@cache
def _parsed(text: str) -> ast.Module:
    """Parse a module once for all rules."""
    return ast.parse(text)


def imported(tree: ast.Module) -> Iterator[str]:
    """Name the modules a module imports anywhere, inside functions too; of ``from a import b`` both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = "." * node.level + (node.module or "")
            yield from (f"{home}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func).endswith("import_module"):
            yield from (str(each.value) for each in node.args[:1] if isinstance(each, ast.Constant))


def allowed(package: str, name: str) -> bool:
    """Tell whether a package may import a module: arrows point from experiments to parts, from parts to contracts."""
    home = name.split(".")[0]
    if home not in PACKAGES or home == package or package == "experiments":
        return not name.startswith(".")
    return package != "loop" and any(f"{name}.".startswith(f"{contract}.") for contract in CONTRACTS)


def wrong_arrows(root: Path) -> list[str]:
    return [
        f"{path} imports {name}"
        for package, path, tree in modules(root)
        for name in imported(tree)
        if not allowed(package, name)
    ]


def unsafe_calls(root: Path) -> list[str]:
    return [
        f"{path} line {node.lineno} calls {_name(node.func)}"
        for _, path, tree in modules(root)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _is_unsafe(node)
    ]


def asserted(root: Path) -> list[str]:
    return [
        f"{path} line {node.lineno} asserts"
        for _, path, tree in modules(root)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert) and not path.startswith(LAWS)
    ]


def undocumented(root: Path) -> list[str]:
    return [path for _, path, tree in modules(root) if not _is_init(path) and not ast.get_docstring(tree)]


def too_long(root: Path) -> list[str]:
    lengths = {path: len((root / path).read_text().splitlines()) for _, path, _ in modules(root)}
    return [f"{path} has {length} lines" for path, length in lengths.items() if length > LONGEST_FILE]


def functions(root: Path) -> Iterator[tuple[str, Function, str]]:
    """Yield where each function is, its syntax tree, and its def line with the line above."""
    for _, path, tree in modules(root):
        lines = (root / path).read_text().splitlines()
        for node in ast.walk(tree):
            if isinstance(node, Function):
                yield f"{path} line {node.lineno}: {node.name}", node, "\n".join(lines[: node.lineno][-2:])


def long_functions(root: Path) -> list[str]:
    return [
        f"{place} has {length} lines"
        for place, node, beside in functions(root)
        if (length := _length(node)) > LONGEST_FUNCTION and not _excused("Long", beside)
    ]


def wide_functions(root: Path) -> list[str]:
    return [
        f"{place} has {count} parameters"
        for place, node, beside in functions(root)
        if (count := len(_parameters(node))) > MOST_PARAMETERS and not _excused("Wide", beside)
    ]


def folders(root: Path) -> dict[Path, list[Path]]:
    """Return the folders that hold code, directly or below, and their modules without ``__init__``."""
    found: dict[Path, list[Path]] = {}
    for _, name, _ in modules(root):
        path = Path(name)
        for folder in list(path.parents)[:-1]:
            found.setdefault(folder, [])
        if path.name != "__init__.py":
            found[path.parent].append(path)
    return found


def unexplained(root: Path) -> list[str]:
    """Find folders whose ``__init__`` does not say what belongs there."""
    documented = {Path(name).parent for _, name, tree in modules(root) if _is_init(name) and ast.get_docstring(tree)}
    return [f"{folder}/__init__.py has no sentence" for folder in folders(root) if folder not in documented]


def crowded(root: Path) -> list[str]:
    sizes = {folder: len(files) for folder, files in folders(root).items()}
    return [f"{folder} has {size} files" for folder, size in sizes.items() if size > MOST_FILES]


def repeating(root: Path) -> list[str]:
    """Find files whose name begins with the name of their folder, which says so already."""
    return [
        f"{path} repeats the name of its folder"
        for folder, files in folders(root).items()
        for path in files
        if path.name.startswith(f"{folder.name}_")
    ]


def _length(node: Function) -> int:
    """Count the lines of a function from def to the end, decorators and docstring left out."""
    docstring = node.body[0]
    told = _last_line(docstring) - docstring.lineno + 1 if ast.get_docstring(node) is not None else 0
    return _last_line(node) - node.lineno + 1 - told


def _last_line(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _parameters(node: Function) -> list[str]:
    """Name the parameters of a function, without self and cls."""
    arguments = node.args
    stars = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _excused(kind: str, beside: str) -> bool:
    """Tell whether a comment ``# Long:`` or ``# Wide:`` gives a reason, of two words at least."""
    return re.search(rf"# {kind}: *\w\S* +\w", beside) is not None


def _is_init(name: str) -> bool:
    return Path(name).name == "__init__.py"


def _is_unsafe(call: ast.Call) -> bool:
    name = _name(call.func)
    pickled = any(
        keyword.arg == "allow_pickle" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
        for keyword in call.keywords
    )
    return name in UNSAFE_CALLS or name in GLOBAL_RANDOMNESS or pickled


def _name(node: ast.expr) -> str:
    """Spell a dotted name, "" for other expressions."""
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


RULES: tuple[Callable[[Path], list[str]], ...] = (
    wrong_arrows,
    unsafe_calls,
    asserted,
    undocumented,
    too_long,
    long_functions,
    wide_functions,
    unexplained,
    crowded,
    repeating,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_tree_obeys(rule: Callable[[Path], list[str]]) -> None:
    assert rule(ROOT) == []


def function(comment: str = "", parameters: int = 0, length: int = 2) -> str:
    """Write a function of so many parameters and, beside its docstring, so many lines."""
    names = ", ".join(f"a{number}" for number in range(parameters))
    docstring = '    """Do.\n\n    Nothing.\n    """\n'
    return f"def f({names}):{comment}\n{docstring}" + "    x = 1\n" * (length - 1)


BAD_FILES = {
    "loop/heap/__init__.py": ("unexplained", ""),
    "loop/unsaid/__init__.py": ("unexplained", "# a comment is no docstring\n"),
    "generators/gan/gan_nets.py": ("repeating", '"""."""\n'),
    "loop/cycle/controller.py": ("wrong_arrows", '"""."""\nimport learners.xgboost\n'),
    "loop/late.py": ("wrong_arrows", '"""."""\ndef f():\n    from generators import Resample\n'),
    "loop/by_name.py": (
        "wrong_arrows",
        '"""."""\nfrom importlib import import_module\nimport_module("experiments.cli.app")\n',
    ),
    "generators/curious.py": ("wrong_arrows", '"""."""\nfrom loop.evaluation.metrics import score\n'),
    "generators/sly.py": ("wrong_arrows", '"""."""\nfrom loop import controller\n'),
    "learners/friend.py": ("wrong_arrows", '"""."""\nimport generators\n'),
    "learners/relative.py": ("wrong_arrows", '"""."""\nfrom ..loop import acceptance\n'),
    "loop/evil.py": ("unsafe_calls", '"""."""\nx = eval("1")\n'),
    "loop/pickled.py": ("unsafe_calls", '"""."""\nimport pickle\npickle.load(open("x", "rb"))\n'),
    "loop/arrays.py": ("unsafe_calls", '"""."""\nimport numpy as np\nnp.load("x", allow_pickle=True)\n'),
    "experiments/config/run_config.py": ("unsafe_calls", '"""."""\nimport yaml\nyaml.load("x", yaml.Loader)\n'),
    "learners/seeded.py": ("unsafe_calls", '"""."""\nimport numpy as np\nnp.random.seed(0)\n'),
    "generators/testing/laws.py": ("asserted", '"""."""\ndef law(x):\n    assert x > 0\n'),
    "loop/sure.py": ("asserted", '"""."""\ndef f(x):\n    assert x > 0\n'),
    "loop/mute.py": ("undocumented", "x = 1\n"),
    "loop/endless.py": ("too_long", '"""."""\n' + "x = 1\n" * LONGEST_FILE),
    "generators/winding.py": ("long_functions", '"""."""\n' + function(length=LONGEST_FUNCTION + 1)),
    "loop/winding_method.py": (
        "long_functions",
        '"""."""\nclass A:\n' + indent(function(length=LONGEST_FUNCTION + 1), "    "),
    ),
    "loop/no_reason.py": ("long_functions", '"""."""\n' + function("  # Long:", length=LONGEST_FUNCTION + 1)),
    "loop/other_reason.py": (
        "long_functions",
        '"""."""\n' + function("  # Wide: one parameter a column", length=LONGEST_FUNCTION + 1),
    ),
    "loop/far_reason.py": (
        "long_functions",
        '"""."""\n# Long: one line a column\n\n\n' + function(length=LONGEST_FUNCTION + 1),
    ),
    "learners/broad.py": ("wide_functions", '"""."""\n' + function(parameters=MOST_PARAMETERS + 1)),
    "learners/starred.py": ("wide_functions", '"""."""\ndef f(a, b, /, c, d, *e, g, h, i, **j):\n    pass\n'),
    "experiments/broad_reason.py": ("wide_functions", '"""."""\n' + function("  # Wide: x", MOST_PARAMETERS + 1)),
}


def write_folder(folder: Path, root: Path) -> None:
    """Make a folder below a root in which every ``__init__`` says something."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in [folder, *folder.parents]:
        if each.is_relative_to(root) and each != root:
            (each / "__init__.py").write_text('"""."""\n')


@pytest.mark.parametrize("more", [0, 1])
def test_crowded_folders_are_found(more: int, tmp_path: Path) -> None:
    folder = tmp_path / "learners" / "crowd"
    write_folder(folder, tmp_path)
    for number in range(MOST_FILES + more):
        (folder / f"part{number}.py").write_text('"""."""\n')
    assert crowded(tmp_path) == [f"learners/crowd has {MOST_FILES + 1} files"] * more


def test_folders_without_init_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "learners" / "room"
    write_folder(folder.parent, tmp_path)
    folder.mkdir()
    (folder / "part.py").write_text('"""."""\n')
    assert unexplained(tmp_path) == ["learners/room/__init__.py has no sentence"]


@pytest.mark.parametrize("path", BAD_FILES)
def test_rules_bite(path: str, tmp_path: Path) -> None:
    rule, text = BAD_FILES[path]
    file = tmp_path / path
    write_folder(file.parent, tmp_path)
    file.write_text(text)
    found = {each.__name__: each(tmp_path) for each in RULES}
    assert [name for name, faults in found.items() if faults] == [rule]
    assert path in found[rule][0]


def test_rules_let_the_allowed_pass(tmp_path: Path) -> None:
    allowed_lines = (
        '"""Fine."""',
        "from loop.types import Table",
        "from loop import seeds, types",
        "import loop.errors",
        "from generators.resampling.resample import proposals",
        "import numpy as np",
        "import yaml",
        'yaml.safe_load("x")',
        'np.load("x", allow_pickle=False)',
    )
    write_folder(tmp_path / "generators", tmp_path)
    (tmp_path / "generators/fine.py").write_text("\n".join(allowed_lines))
    write_folder(tmp_path / "loop/testing", tmp_path)
    (tmp_path / "loop/testing/gates.py").write_text('"""."""\ndef law(x):\n    assert x > 0\n')
    assert [rule(tmp_path) for rule in RULES] == [[]] * len(RULES)


def test_functions_may_be_as_large_as_the_limits_or_as_their_reasons_say(tmp_path: Path) -> None:
    long, wide = LONGEST_FUNCTION + 1, MOST_PARAMETERS + 1
    texts = (
        function(parameters=MOST_PARAMETERS, length=LONGEST_FUNCTION),
        "class A:\n    def f(self, a, b, c, d, e, f, g, h):\n        pass\n",
        function("  # Long: one line for each column", length=long),
        "# Long: one line for each column\n" + function("  # Wide: one parameter for each", wide, long),
        "@decorated\n" + function("  # Wide: each parameter is an option", wide),
    )
    write_folder(tmp_path / "learners", tmp_path)
    (tmp_path / "learners/large.py").write_text("\n".join(['"""Fine."""', *texts]))
    assert [rule(tmp_path) for rule in RULES] == [[]] * len(RULES)


BOOSTERS = {"xgboost", "catboost", "lightgbm"}
HEAVY = BOOSTERS | {"torch", "mlflow", "sklearn", "imblearn", "optuna", "matplotlib", "pandas", "scipy"}


@pytest.mark.parametrize("package", ["loop", "loop.testing", "generators", "learners"])
def test_import_loads_nothing_heavy(package: str) -> None:
    code = f"import sys, {package}; print(*({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_loop_does_not_import_its_laws() -> None:
    code = "import sys, loop; loop.LoopClassifier, loop.generations; print('loop.testing' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_loop_itself_needs_no_optional_library() -> None:
    """The controller and the estimator run without torch, MLflow, boosters, imbalanced-learn, Optuna and Matplotlib."""
    code = "import sys, loop; loop.LoopClassifier, loop.generations; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not (HEAVY - {"pandas", "scipy", "sklearn"}) & set(done.stdout.split())
