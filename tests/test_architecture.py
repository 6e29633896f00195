"""The rules of the tree: which package may import which, what an import costs, and what no file may do."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("loop", "generators", "learners", "experiments")
CONTRACTS = {
    "loop.types",
    "loop.atomic",
    "loop.bounds",
    "loop.protocols",
    "loop.errors",
    "loop.catalogue",
    "loop.seeds",
    "loop.steps",
    "loop.torch_threads",
    "loop.plain_json",
    "loop.schema_json",
    "loop.shapes",
    "loop.plain_yaml",
}
LONGEST_FILE = 300  # lines
UNSAFE_CALLS = {"eval", "exec", "pickle.load", "pickle.loads", "joblib.load", "yaml.load", "yaml.unsafe_load"}
GLOBAL_RANDOMNESS = ("np.random.seed", "numpy.random.seed", "random.seed", "torch.manual_seed")


def modules(root: Path) -> Iterator[tuple[str, str, ast.Module]]:
    """Yield package, path and syntax tree of every module of the packages under a root."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield package, str(path.relative_to(root)), ast.parse(path.read_text())


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
        if isinstance(node, ast.Assert)
    ]


def undocumented(root: Path) -> list[str]:
    empty = {path for _, path, tree in modules(root) if not tree.body}  # an empty __init__ only marks a package
    return [path for _, path, tree in modules(root) if path not in empty and not ast.get_docstring(tree)]


def too_long(root: Path) -> list[str]:
    lengths = {path: len((root / path).read_text().splitlines()) for _, path, _ in modules(root)}
    return [f"{path} has {length} lines" for path, length in lengths.items() if length > LONGEST_FILE]


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


RULES: tuple[Callable[[Path], list[str]], ...] = (wrong_arrows, unsafe_calls, asserted, undocumented, too_long)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_tree_obeys(rule: Callable[[Path], list[str]]) -> None:
    assert rule(ROOT) == []


BAD_FILES = {
    "loop/controller.py": ("wrong_arrows", '"""."""\nimport learners.xgboost\n'),
    "loop/late.py": ("wrong_arrows", '"""."""\ndef f():\n    from generators import Resample\n'),
    "loop/by_name.py": (
        "wrong_arrows",
        '"""."""\nfrom importlib import import_module\nimport_module("experiments.cli")\n',
    ),
    "generators/curious.py": ("wrong_arrows", '"""."""\nfrom loop.metrics import score\n'),
    "generators/sly.py": ("wrong_arrows", '"""."""\nfrom loop import controller\n'),
    "learners/friend.py": ("wrong_arrows", '"""."""\nimport generators\n'),
    "learners/relative.py": ("wrong_arrows", '"""."""\nfrom ..loop import acceptance\n'),
    "loop/evil.py": ("unsafe_calls", '"""."""\nx = eval("1")\n'),
    "loop/pickled.py": ("unsafe_calls", '"""."""\nimport pickle\npickle.load(open("x", "rb"))\n'),
    "loop/arrays.py": ("unsafe_calls", '"""."""\nimport numpy as np\nnp.load("x", allow_pickle=True)\n'),
    "experiments/config.py": ("unsafe_calls", '"""."""\nimport yaml\nyaml.load("x", yaml.Loader)\n'),
    "learners/seeded.py": ("unsafe_calls", '"""."""\nimport numpy as np\nnp.random.seed(0)\n'),
    "loop/sure.py": ("asserted", '"""."""\ndef f(x):\n    assert x > 0\n'),
    "loop/mute.py": ("undocumented", "x = 1\n"),
    "loop/endless.py": ("too_long", '"""."""\n' + "x = 1\n" * LONGEST_FILE),
}


@pytest.mark.parametrize("path", BAD_FILES)
def test_rules_bite(path: str, tmp_path: Path) -> None:
    rule, text = BAD_FILES[path]
    file = tmp_path / path
    file.parent.mkdir()
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
        "from generators.resample import proposals",
        "import numpy as np",
        "import yaml",
        'yaml.safe_load("x")',
        'np.load("x", allow_pickle=False)',
    )
    (tmp_path / "generators").mkdir()
    (tmp_path / "generators/fine.py").write_text("\n".join(allowed_lines))
    assert [rule(tmp_path) for rule in RULES] == [[]] * len(RULES)


HEAVY = {"torch", "mlflow", "xgboost", "sklearn", "imblearn", "optuna", "matplotlib", "pandas", "scipy"}


@pytest.mark.parametrize("package", ["loop", "generators", "learners"])
def test_import_loads_nothing_heavy(package: str) -> None:
    code = f"import sys, {package}; print(*({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_loop_itself_needs_no_optional_library() -> None:
    """The controller and the estimator run without torch, MLflow, XGBoost, imbalanced-learn, Optuna and Matplotlib."""
    code = "import sys, loop; loop.LoopClassifier, loop.generations; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"torch", "mlflow", "xgboost", "imblearn", "optuna", "matplotlib"} & set(done.stdout.split())
