"""Work on Dask's workers: rows, scores and models of threads, whoever is lost; bad places in one sentence."""

import builtins
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console
from scale_killer import OWN, cluster
from small_runs import content, frame, write

from experiments.compare.compare import compare
from experiments.config.reader import dump, load_config
from experiments.config.run_config import CompareConfig, RunConfig
from experiments.config.scale_config import ScaleConfig
from experiments.run.run import RunResult, run
from experiments.scale.cluster import _started, on_workers
from experiments.storage.result_cache import found_or_worked
from experiments.tune.config import TuneConfig
from experiments.tune.study import open_study
from experiments.tune.tune import tune
from loop.errors import ConfigError, WeakspotError
from loop.support.parallel.side_by_side import place_of_work, side_by_side
from loop.tracking.uplink import quiet

SECRET = "hunter2"
MEASURED = {"seconds_fit", "seconds_per_million", "megabytes"}  # of an arm: they differ from run to run


def quiet_console() -> Console:
    return Console(file=StringIO(), width=150)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster(tmp_path_factory.mktemp("cluster")) as (address, _):
        yield address


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data"), frame())


def settings_of(data: Path, out: Path, **changes: object) -> dict[str, Any]:
    return {**content(data, out), "deliver": "loop", **changes}


def run_of(settings: dict[str, Any], resume: Path | None = None) -> RunResult:
    return run(load_config(RunConfig, None, settings), quiet_console(), resume)


@pytest.fixture(scope="module")
def in_threads(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return run_of(settings_of(data, tmp_path_factory.mktemp("threads")))


def killing(data: Path, out: Path, order: Path, generation: int = 1, **changes: object) -> dict[str, Any]:
    own = {"trees": 20, "order": str(order), "generation": generation}
    learner = {"name": "scale_killer:Killer", "settings": own}
    return settings_of(data, out, learner=learner, augmented_learner={"settings": {**own, "depth": 4}}, **changes)


def check_equal(one: RunResult, other: RunResult) -> None:
    """Rows, scores on judge and test rows, and the delivered trees."""
    assert one.report is not None
    assert other.report is not None
    pd.testing.assert_frame_equal(*(pd.read_parquet(each.folder / "synthetic.parquet") for each in (one, other)))
    assert [each.scores for each in one.history] == [each.scores for each in other.history]
    arms = [
        [{key: value for key, value in arm.items() if key not in MEASURED} for arm in each.report.arms]
        for each in (one, other)
        if each.report is not None
    ]
    assert arms[0] == arms[1]
    models = [next((each.folder / "model").rglob("booster.ubj")).read_bytes() for each in (one, other)]
    assert models[0] == models[1]


@pytest.mark.slow
class TestTheSameResult:
    def test_of_a_run_in_workers_on_this_machine(self, data: Path, in_threads: RunResult, tmp_path: Path) -> None:
        check_equal(in_threads, run_of(settings_of(data, tmp_path, scale={"workers": 2})))

    def test_of_a_run_on_a_cluster_one_of_whose_workers_is_killed(
        self, data: Path, address: str, in_threads: RunResult, tmp_path: Path
    ) -> None:
        order = tmp_path / "order"
        order.write_text(OWN)
        killed = run_of(killing(data, tmp_path / "out", order, scale={"dask": address}))
        assert not order.exists()
        check_equal(in_threads, killed)

    def test_of_a_comparison(self, data: Path, address: str, tmp_path: Path) -> None:
        settings = settings_of(data, tmp_path / "one", strategies=["untargeted", "classical"], seeds=[0])
        settings["sources"] = [settings.pop("data")]
        here = compare(load_config(CompareConfig, None, settings), quiet_console())
        recorded = tmp_path / "mlflow.yaml"
        uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
        store = {"tracking_uri": uri, "artifact_root": str(tmp_path / "artifacts"), "registered_model": None}
        recorded.write_text(yaml.safe_dump(store))
        there = {**settings, "out": str(tmp_path / "two"), "scale": {"dask": address}, "tracking": str(recorded)}
        far = compare(load_config(CompareConfig, None, there), quiet_console())
        pd.testing.assert_frame_equal(*(each.drop(columns=list(MEASURED)) for each in (here, far)))
        files = [sorted(each.name for each in (tmp_path / out / "cells").iterdir()) for out in ("one", "two")]
        assert files[0] == files[1]  # the cells of one are found by the other
        with quiet():
            from mlflow import MlflowClient

            client = MlflowClient(uri)
            runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
        parents = [each for each in runs if "mlflow.parentRunId" not in each.data.tags]
        assert (len(parents), len(runs)) == (1, 1 + len(far))  # this process alone has logged
        assert not any(SECRET in str(each.data.params) or address in str(each.data.params) for each in runs)

    def test_of_a_search(self, data: Path, address: str, tmp_path: Path) -> None:
        settings = settings_of(data, tmp_path / "one", trials=3)
        settings["sources"] = [settings.pop("data")]
        settings["space"] = {"loop.budget": {"low": 0.2, "high": 1.0}}
        settings["loop"]["generations"] = 1
        found = []
        for out, scale in (("one", {}), ("two", {"dask": address})):
            config = load_config(TuneConfig, None, {**settings, "out": str(tmp_path / out), "scale": scale})
            tune(config, quiet_console())
            (folder,) = config.out.iterdir()
            trials = open_study(config, folder, folder.name.removeprefix("tune-")).trials
            found.append([(each.params, each.values[0], each.user_attrs["running"]) for each in trials])
        assert len(found[0]) == 3
        assert found[0] == found[1]


@pytest.mark.slow
def test_a_scheduler_that_is_lost_leaves_a_run_to_go_on_with(data: Path, in_threads: RunResult, tmp_path: Path) -> None:
    order = tmp_path / "order"
    with cluster(tmp_path, workers=1) as (address, scheduler):
        order.write_text(str(scheduler))
        settings = killing(data, tmp_path / "out", order, 2, scale={"dask": address})
        with pytest.raises(WeakspotError, match=r"scheduler must stay .* lost: .*--resume"):
            run_of(settings)
    (folder,) = (tmp_path / "out").iterdir()
    again = run_of({**settings, "scale": {}}, folder)
    check_equal(in_threads, again)


class TestWorkers:
    def test_errors_of_the_work_come_back_as_they_are(self, address: str) -> None:
        def work(number: int) -> int:
            raise ConfigError(f"no {number}")

        with on_workers(ScaleConfig(dask=address)), pytest.raises(ConfigError, match="no 3"):
            side_by_side(work, [3], 1)

    def test_work_that_ends_every_worker_is_given_up(self, address: str) -> None:
        with (
            on_workers(ScaleConfig(dask=address)),
            pytest.raises(WeakspotError, match="same piece of work has ended several"),
        ):
            side_by_side(lambda number: os._exit(number), [1], 1)

    def test_a_piece_of_work_does_its_own_pieces_in_turn(self, address: str) -> None:
        with on_workers(ScaleConfig(dask=address)):
            places = side_by_side(lambda _: type(place_of_work()).__name__, [0], 2)
            brief = side_by_side(lambda _: os.getpid(), [0], 2, brief=True)
        assert (places, brief) == (["InTurn"], [os.getpid()])

    def test_finished_cells_are_not_sent_and_files_are_written_here(self, address: str, tmp_path: Path) -> None:
        (tmp_path / "1.json").write_text(json.dumps([{"kept": 1}]))
        with on_workers(ScaleConfig(dask=address)):
            cells = found_or_worked(range(3), lambda key: [{"made": key}], lambda key: tmp_path / f"{key}.json", jobs=1)
            assert list(cells) == [[{"made": 0}], [{"kept": 1}], [{"made": 2}]]
        assert {path.name for path in tmp_path.iterdir()} == {"0.json", "1.json", "2.json"}

    def test_ctrl_c_in_a_terminal_is_not_for_workers(self) -> None:
        """The second is one that has taken the place of another."""
        with on_workers(ScaleConfig(workers=1)):
            first = side_by_side(lambda _: (os.getpid(), signal.getsignal(signal.SIGINT)), [0], 1)
            os.kill(first[0][0], signal.SIGKILL)
            second = side_by_side(lambda _: (os.getpid(), signal.getsignal(signal.SIGINT)), [0], 1)
        assert first[0][1] == second[0][1] == signal.SIG_IGN
        assert len({os.getpid(), first[0][0], second[0][0]}) == 3

    def test_all_workers_are_at_work_at_once(self, address: str, tmp_path: Path) -> None:
        """Each piece goes on when the other has begun."""

        def meet(number: int) -> int:
            (tmp_path / f"{number}").touch()
            last = time.monotonic() + 60  # so that a fault fails this test, and hangs no other
            while not (tmp_path / f"{1 - number}").exists() and time.monotonic() < last:
                time.sleep(0.01)
            return os.getpid()

        with on_workers(ScaleConfig(dask=address)):
            assert len(set(side_by_side(meet, [0, 1], 2))) == 2


class TestBadPlaces:
    @pytest.mark.parametrize(
        "scale",
        [
            f"tcp://me:{SECRET}@host:8786",
            {"dask": 8786},
            {"dask": " "},
            {"dask": "tcp://host:1", "workers": 2},
            {"workers": 0},
            {"workers": True},
            {"workers": f"tcp://me:{SECRET}@host:8786"},
            {f"tcp://me:{SECRET}@host:8786": 1},
            [2],
        ],
    )
    def test_are_refused_in_one_sentence(self, data: Path, tmp_path: Path, scale: object) -> None:
        with pytest.raises(ConfigError) as caught:
            load_config(RunConfig, None, settings_of(data, tmp_path, scale=scale))
        assert str(caught.value).startswith("scale")
        assert len(str(caught.value)) <= 300
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize(
        "words", ["2", "workers", "workers=", "workers=two", "workers=0", "dask=", "dask=nonsense://x", "x=1"]
    )
    def test_as_an_option_too(self, words: str) -> None:
        with pytest.raises(ConfigError, match="scale"):
            ScaleConfig.of(words)

    def test_the_option_takes_the_words_of_the_configuration(self) -> None:
        assert ScaleConfig.of("workers=2") == ScaleConfig(workers=2)
        assert ScaleConfig.of("dask=tcp://host:8786") == ScaleConfig(dask="tcp://host:8786")

    @pytest.mark.parametrize("place", ["127.0.0.1:{port}", "tcp://me:hunter2@127.0.0.1:{port}", "tcp://"])
    def test_where_nobody_answers(self, data: Path, tmp_path: Path, place: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        scale = {"dask": place.format(port=port)}
        with pytest.raises(ConfigError, match="must be the address of a Dask scheduler that answers") as caught:
            run_of(settings_of(data, tmp_path / "out", scale=scale))
        assert SECRET not in str(caught.value)
        assert not (tmp_path / "out").exists()

    def test_without_a_worker(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("experiments.scale.cluster.PATIENCE", 1)
        with (
            cluster(tmp_path, workers=0) as (address, _),
            pytest.raises(ConfigError, match="scheduler must have a worker"),
            on_workers(ScaleConfig(dask=address)),
        ):
            pass

    def test_with_other_versions(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("experiments.scale.cluster._versions", lambda client, name: ["0.0.0"])
        with (
            pytest.raises(ConfigError, match=r"weakspot is 0\.0\.0 there and .* here"),
            on_workers(ScaleConfig(dask=address)),
        ):
            pass

    def test_without_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = builtins.__import__

        def absent(name: str, *rest: Any) -> Any:
            if name == "dask":
                raise ImportError(name)
            return real(name, *rest)

        monkeypatch.setattr(builtins, "__import__", absent)
        with pytest.raises(ConfigError, match=r"pip install 'weakspot\[scale\]'"), on_workers(ScaleConfig(workers=1)):
            pass

    def test_beside_an_option_that_says_the_same(self) -> None:
        with pytest.raises(ConfigError, match="leave out --jobs"):
            ScaleConfig(workers=2).check_alone("--jobs", 2)


def test_no_record_of_a_run_holds_the_place(data: Path, tmp_path: Path) -> None:
    config = load_config(RunConfig, None, settings_of(data, tmp_path, scale={"dask": f"tcp://me:{SECRET}@host:8786"}))
    assert config.scale.given
    assert "scale" not in config.model_dump()
    assert "8786" not in dump(config)


def test_the_same_place_twice_in_one_process(data: Path, address: str) -> None:
    for _ in range(2):
        with on_workers(ScaleConfig(dask=address)):
            assert side_by_side(np.sqrt, [4.0], 1) == [2.0]


def test_a_client_whose_loop_did_not_come_up_in_time_is_started_again() -> None:
    calls: list[int] = []

    def start() -> str:
        calls.append(1)
        assert len(calls) > 1  # as distributed does on a busy machine
        return "client"

    assert (_started(start), len(calls)) == ("client", 2)
    with pytest.raises(AssertionError):
        _started(lambda: calls.clear() or start())
