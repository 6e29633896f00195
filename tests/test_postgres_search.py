"""A real PostgreSQL as storage of a search: shared, lost in the middle, and gone on with."""

from functools import partial
from pathlib import Path

import kills
import optuna
import pytest
from lost_servers import call, call_killing, call_losing, together, working_folder
from optuna.trial import TrialState
from postgres_server import PostgresServer, missing, shown

pytestmark = pytest.mark.skipif(missing() != "", reason=missing())

SOURCE = {"source": "table.csv", "target": "fraud", "positive": "yes"}
SPACE = {"loop.budget": {"low": 0.2, "high": 1.0}, "loop.strategy": ["targeted", "untargeted"]}
TRIALS = 3
IN_A_TRIAL = ("experiments.tune.trial", "run_loop")
TUNE = ("tune", "config.yaml")


@pytest.fixture
def server(cluster: PostgresServer) -> PostgresServer:
    cluster.start()
    return cluster


def search(place: Path, storage: str, trials: int = TRIALS, tracking: str | None = None) -> Path:
    """Return a working folder with the configuration of a search."""
    changes = {"sources": [SOURCE], "space": SPACE, "trials": trials, "storage": storage, "most_cost": 1000.0}
    return working_folder(place, tracking, data=None, loop={"generations": 1, "lanes": 2, "jobs": 1}, **changes)


def states(storage: str) -> list[TrialState]:
    """Return how the trials of the only study ended."""
    opened = optuna.storages.RDBStorage(storage)
    (study,) = opened.get_all_studies()
    ended = [trial.state for trial in opened.get_all_trials(study._study_id)]
    opened.remove_session()
    opened.engine.dispose()
    return ended


def by_themselves(storage: str) -> int:
    """Return the number of trials that ended by themselves, once sure that none is still thought to run."""
    ended = states(storage)
    assert TrialState.RUNNING not in ended
    return len([each for each in ended if each != TrialState.FAIL])


def test_two_searches_share_a_study_whose_tables_both_make(server: PostgresServer, tmp_path: Path) -> None:
    storage = server.create("shared")
    places = [search(tmp_path / str(number), storage, trials=4) for number in range(2)]
    together([partial(kills.command, place, *TUNE) for place in places])
    assert 4 <= by_themselves(storage) <= 6  # each may begin its first and its last at the same time as the other
    assert TrialState.FAIL not in states(storage)


def test_a_server_that_is_lost_is_told_in_one_sentence_and_the_same_command_goes_on(
    server: PostgresServer, tmp_path: Path
) -> None:
    storage = server.create("lost")
    place = search(tmp_path / "place", storage)
    code, said = call_losing(server, place, IN_A_TRIAL, 3, *TUNE)  # the first call only loads libraries
    assert code == 2
    assert said.splitlines()[-1].startswith("storage must take every trial, and postgresql://***@127.0.0.1")
    assert "the same command goes on" in said.splitlines()[-1]
    code, again = kills.apart(call, place, *TUNE)  # the server is away from the start
    assert (code, again.count("\n")) == (2, 1)
    assert again.startswith("storage must be a database that can be reached")
    assert not shown(said + again)
    server.start()
    kills.command(place, *TUNE)
    assert by_themselves(storage) == TRIALS


def test_a_search_that_was_killed_goes_on_at_once(server: PostgresServer, tmp_path: Path) -> None:
    storage = server.create("killed")
    place = search(tmp_path / "place", storage)
    with pytest.raises(EOFError):
        kills.apart(call_killing, place, None, IN_A_TRIAL, 3, *TUNE)
    kills.command(place, *TUNE)
    assert by_themselves(storage) == TRIALS  # not one fewer, for a trial that nobody runs any more
    assert not [path for path in place.rglob("*/*") if path.is_file() and shown(path.read_bytes())]


def test_the_database_of_mlflow_is_no_storage(server: PostgresServer, tmp_path: Path) -> None:
    place = search(tmp_path / "place", server.url("same") + "?connect_timeout=3", tracking=server.url("same"))
    code, said = kills.apart(call, place, *TUNE)
    assert code == 2
    assert said.startswith("storage must be a database of its own, and postgresql://***@127.0.0.1")
    assert not (place / "out").exists()
