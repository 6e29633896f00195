"""All cases: a file of a real folder, an edit of it, and a command that reads it."""

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from altered import raw
from altered.arrays import FileEdit, edits_of_npz, edits_of_parquet, edits_of_safetensors, edits_of_skops
from altered.trials import Ending, Worker

from loop.support.atomic import LIST, seal

EDITS: dict[str, Callable[[Path], Iterator[FileEdit]]] = {
    ".json": raw.edits_of_json,
    ".yaml": raw.edits_of_yaml,
    ".jsonl": raw.edits_of_journal,
    ".npz": edits_of_npz,
    ".parquet": edits_of_parquet,
    ".safetensors": edits_of_safetensors,
    ".skops": edits_of_skops,
    ".ubj": raw.edits_of_booster,
    ".txt": raw.edits_of_lines,
    ".csv": raw.edits_of_table,
    ".db": raw.edits_of_database,
}
PREDICT = ("predict", "run", "--data", "new.csv", "--out", "scores.csv")
RESUME = ("run", "--resume", "cut")
COMPARE, TUNE = ("compare", "compare.yaml"), ("tune", "tune.yaml")
UPLOAD = ("upload", "run", "--tracking", "mlflow.yaml")
STRESS = ("stress", "run", "--where", "amount > 60", "--rows", "20")
GO_ON = ("run", "--continue", "asked")
QUEUE = ("queue", "asked", "--pool", "pool.csv", "--n", "5")


@dataclass(frozen=True)
class Case:
    """One altered file and the command that meets it."""

    name: str
    copied: tuple[tuple[str, str], ...]  # what of the place is needed, and the name that it gets
    file: str  # as named there
    edit: Callable[[Path], object]
    words: tuple[str, ...]
    must_refuse: bool = False  # the record contradicts itself

    def end(self, place: Path, worker: Worker) -> Ending:
        """Alter a copy of the folders and run the command."""
        with TemporaryDirectory(prefix="altered") as home:
            folder = Path(home)
            for source, name in self.copied:
                _copy(place / source, folder / name)
            path = folder / self.file
            self.edit(path)
            _seal_again(path, folder)
            return worker.end_of(self.words, folder)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def _seal_again(path: Path, folder: Path) -> None:
    """Write the lists of digests anew, as somebody does who alters files on purpose."""
    for home in path.parents:
        if home == folder:
            return
        if (home / LIST).is_file() and path.name != LIST:
            (home / LIST).unlink()
            seal(home)


@dataclass(frozen=True)
class Target:
    """Files that are altered, and the commands that meet them in turn."""

    copied: tuple[str, ...]  # folders or files of the place; "a:b" = under another name
    files: str  # pattern below the place
    commands: tuple[Sequence[str], ...]
    share: int  # cases


DATA = ("table.csv", "new.csv")
TARGETS = [
    Target((*DATA, "run"), "run/model/*.json", (PREDICT,), 60),
    Target((*DATA, "run"), "run/report.json", (("report", "run"), STRESS), 40),
    Target((*DATA, "run"), "run/curves.json", (("report", "run"),), 20),
    Target((*DATA, "run"), "run/config.yaml", (STRESS, PREDICT), 40),
    Target((*DATA, "run"), "run/data.json", (STRESS,), 10),
    Target((*DATA, "run"), "run/done.json", (STRESS,), 5),
    Target((*DATA, "run"), "run/generator/*", (("generate", "run", "--n", "5"),), 30),
    Target((*DATA, "cut"), "cut/checkpoint/*.npz", (RESUME,), 80),
    Target((*DATA, "cut"), "cut/checkpoint/seconds.json", (RESUME,), 15),
    Target((*DATA, "cut"), "cut/journal/records.jsonl", (RESUME,), 20),
    Target((*DATA, "cut"), "cut/config.yaml", (RESUME,), 20),
    Target((*DATA, "cut"), "cut/data.json", (RESUME,), 10),
    Target(("run", "mlflow.yaml", "mlflow.db"), "run/journal/records.jsonl", (UPLOAD,), 30),
    Target(("run", "mlflow.yaml", "mlflow.db"), "run/journal/rows/*.parquet", (UPLOAD,), 10),
    Target(("run", "mlflow.yaml", "mlflow.db"), "mlflow.yaml", (UPLOAD,), 20),
    Target((*DATA, "compare.yaml", "compared:out"), "compared/cells/*.json", (COMPARE,), 60),
    Target((*DATA, "compare.yaml", "compared:out"), "compared/compare-*/journal/records.jsonl", (COMPARE,), 20),
    Target((*DATA, "tune.yaml", "tuned:out"), "tuned/tune-*/study.db", (TUNE,), 40),
    Target((*DATA, "tune.yaml", "tuned:out"), "tuned/tune-*/journal/records.jsonl", (TUNE,), 10),
    Target(("known.csv", "pool.csv", "asked"), "asked/labels/batch-001/questions.csv", (GO_ON, QUEUE), 30),
    Target(("known.csv", "pool.csv", "asked"), "asked/labels/batch-001/rows.parquet", (GO_ON, QUEUE), 30),
    Target(
        ("known.csv", "pool.csv", "asked"), "asked/labels/answers.csv", (GO_ON, ("answer", "asked", "filled.csv")), 30
    ),
    Target(("known.csv", "filled.csv", "asked"), "filled.csv", (("answer", "asked", "filled.csv"),), 30),
    Target(("known.csv", "export.json", "asked"), "export.json", (("answer", "asked", "export.json"),), 40),
    Target((*DATA, "run.yaml"), "run.yaml", (("run", "run.yaml", "--dry-run"),), 90),
    Target((*DATA, "compare.yaml"), "compare.yaml", (("compare", "compare.yaml", "--dry-run"),), 30),
    Target((*DATA, "tune.yaml"), "tune.yaml", (TUNE,), 15),
    Target(
        (*DATA, "run", "book.yaml"),
        "book.yaml",
        (("generate", "book.yaml", "--n", "5"), ("stress", "run", "--book", "book.yaml", "--rows", "20")),
        90,
    ),
    Target(
        ("table.parquet",), "table.parquet", (("run", "--data", "table.parquet", "--target", "fraud", "--dry-run"),), 50
    ),
    Target((*DATA,), "table.csv", (("run", "--data", "table.csv", "--target", "fraud", "--dry-run"),), 30),
    Target((*DATA, "run"), "new.csv", (PREDICT,), 30),
    Target(
        (*DATA, "run", "indexed.parquet"),
        "indexed.parquet",
        (("predict", "run", "--data", "indexed.parquet", "--out", "scores.csv"),),
        40,
    ),
]
SHARES = {".ubj": 90, ".txt": 80, ".cbm": 60, ".skops": 60, ".safetensors": 40, ".json": 20, ".npz": 30, ".parquet": 25}


def targets(place: Path) -> Iterator[Target]:
    """Yield all targets, those of every saved model and generator too."""
    yield from TARGETS
    for kind in sorted((place / "models").iterdir()):
        for path in sorted((kind / "learner").rglob("*.*")):
            words = (PREDICT, ("export", "run", "--to", "onnx")) if path.suffix in (".ubj", ".skops") else (PREDICT,)
            copied = ("new.csv", "run", f"models/{kind.name}:run/model")
            yield Target(copied, str(path.relative_to(place)), words, SHARES[path.suffix])
    for kind in sorted((place / "generators").iterdir()):
        for path in sorted(kind.rglob("*.*")):
            if (
                path.name != LIST
                and not path.name.startswith(("level_1", "level_2", "level_3"))
                and "class_1" not in path.parts
            ):
                words = ("generate", f"generators/{kind.name}", "--n", "5")
                yield Target(
                    (f"generators/{kind.name}",), str(path.relative_to(place)), (words,), SHARES[path.suffix] // 2 + 5
                )


def cases(place: Path, seed: int, share: float = 1.0) -> Iterator[Case]:
    """Yield cases drawn from all edits of all targets; a smaller share has the fewer of each."""
    for number, target in enumerate(targets(place)):
        rng = np.random.default_rng([seed, number])
        copied = tuple((each.partition(":")[0], each.partition(":")[2] or each) for each in target.copied)
        found = [path for path in sorted(place.glob(target.files)) if path.name != LIST and path.name != ".lock"]
        for path in found:
            made = list(EDITS[path.suffix](path)) if path.suffix in EDITS else []
            made += raw.edits_of_bytes(path, rng, times=3 if made else 40)
            most = max(1, round(share * target.share / len(found)))
            for at in sorted(rng.permutation(len(made))[:most]):
                name, edit = made[at]
                words = tuple(target.commands[int(rng.integers(len(target.commands)))])
                file = _renamed(str(path.relative_to(place)), copied)
                yield Case(f"{path.relative_to(place)}: {name}", copied, file, edit, words)


def _renamed(file: str, copied: tuple[tuple[str, str], ...]) -> str:
    for source, name in reversed(copied):
        if file == source or file.startswith(f"{source}/"):
            return name + file.removeprefix(source)
    return file


def main(place: Path, seed: int, share: float, only: str = "") -> None:
    """Run all cases and print what must not be, and counts."""
    worker, counts = Worker(), Counter[str]()
    for case in cases(place, seed, share):
        if only and only not in case.name:
            continue
        try:
            ending = case.end(place, worker)
        except Exception as error:
            print("EDIT FAILED", case.name, repr(error)[:200], flush=True)
            continue
        counts[ending.kind] += 1
        if ending.kind not in ("harmless", "refused"):
            print(
                f"{ending.kind} | {case.name} | {case.words[0]} | {ending.fault or ending.sentence[-400:]}", flush=True
            )
        elif "-v" in sys.argv:
            print(f"{ending.kind} | {case.name} | {ending.sentence.strip()[-330:]}", flush=True)
    print(dict(counts), sum(counts.values()))
    worker.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), "".join(sys.argv[4:5]).removeprefix("-v"))
