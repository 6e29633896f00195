"""What generators built on torch share: seeds rule, every row is seen, the best average stays."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest
import torch
from torch import nn

from generators import Diffusion, Gan, Vae
from generators.common import torch_training
from generators.common.weights import load_weights, save_weights
from generators.diffusion.guidance import Guide
from learners import MLP
from loop.errors import ConfigError
from loop.support.parallel.torch_threads import one_thread
from loop.support.progress import listening
from loop.testing.tables import mixed_table
from loop.types import Region, Request


def stream(seed: int = 0) -> torch.Generator:
    return torch_training.torch_stream(np.random.default_rng(seed), torch.device("cpu"))


def small() -> nn.Module:
    return nn.Sequential(nn.Embedding(3, 2), nn.Flatten(), nn.Linear(2, 4), nn.LayerNorm(4), nn.Linear(4, 1))


def weights(net: nn.Module) -> np.ndarray:
    return torch.cat([parameter.flatten() for parameter in net.parameters()]).detach().numpy()


def test_weights_come_from_the_stream_alone():
    before = torch.random.get_rng_state()
    one, same, other = (weights(torch_training.build(small, stream(seed))) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_module_with_parameters_of_its_own_must_know_how_to_start():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

    with pytest.raises(TypeError, match="initialise"):
        torch_training.build(Own, stream())


def test_every_pass_sees_every_row_once():
    drawn = torch_training.batches(23, 5, stream())
    for _ in range(3):
        sizes, rows = [], []
        while len(rows) < 23:
            batch = next(drawn).tolist()
            sizes, rows = [*sizes, len(batch)], [*rows, *batch]
        assert sorted(rows) == list(range(23))
        assert sizes == [5, 5, 5, 4, 4]


def test_the_average_of_a_straight_walk_lags_by_a_tenth():
    net = nn.Linear(1, 1, bias=False)
    average = torch_training.Average(net)
    for step in range(1, 1001):
        net.weight.data.fill_(step)
        average.step()
    assert 850 < float(average.net.weight) < 900  # mean of the power profile: 7.94 / 8.94 of the way
    assert not average.net.training


def test_the_average_takes_in_counters_and_running_means():
    net = nn.BatchNorm1d(3)
    average = torch_training.Average(net)
    for _ in range(20):
        net(torch.full((4, 3), 5.0))
        average.step()
    assert average.net.num_batches_tracked == 20
    assert 0 < float(average.net.running_mean[0]) < float(net.running_mean[0])


def test_a_step_leaves_alone_what_the_optimiser_does_not_hold():
    mine, other = (torch_training.build(lambda: nn.Linear(2, 2), stream(seed)) for seed in (1, 2))
    before = weights(mine)
    torch_training.descend(torch_training.adam(mine, 1e-2), other(mine(torch.ones(3, 2))).square().mean())
    assert (weights(mine) != before).all()
    assert all(parameter.grad is None for parameter in other.parameters())


def fitted(steps: int, **options) -> tuple[float, nn.Module]:
    X = torch.linspace(-3, 3, 200)[:, None]
    net = torch_training.build(lambda: nn.Sequential(nn.Linear(1, 32), nn.SiLU(), nn.Linear(32, 1)), stream())

    def loss(net: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        return (net(X[rows]) - X[rows].sin()).square().mean()

    schedule = torch_training.Schedule(steps, batch=50, rate=1e-2)
    trained = torch_training.train(net, loss, 200, schedule, stream(), **options)
    return float(loss(trained, torch.arange(200))), trained


def test_training_learns_and_repeats_itself():
    loss, net = fitted(400)
    assert loss < 0.01 < fitted(5)[0]
    assert not net.training
    np.testing.assert_array_equal(weights(net), weights(fitted(400)[1]))


def test_the_judge_ends_training_and_its_best_net_is_returned():
    losses, steps = [3.0, 2.0, 1.0, 2.0, 2.0, 2.0, 2.0], []
    seen = []

    def judge(net: nn.Module) -> float:
        seen.append(weights(net).copy())
        return losses[len(seen) - 1]

    with listening(lambda step, total: steps.append((step, total))):
        _, net = fitted(400, judge=judge, patience=3)
    assert len(seen) == 6
    np.testing.assert_array_equal(weights(net), seen[2])
    assert steps == [(step, 400) for step in range(1, 25)]  # a round is a pass of four steps


def test_the_rate_rises_and_falls():
    rates = [torch_training.pace(step, 1000) for step in range(1, 1001)]
    assert 0 < rates[0] < 0.05
    assert max(rates) == 1
    assert 0 < rates[-1] < 0.01
    assert all(0 < torch_training.pace(step, steps) <= 1 for steps in (1, 2, 5) for step in range(1, steps + 1))


@pytest.mark.parametrize(
    ("n_rows", "steps", "size"), [(600, 1000, 30), (20_000, 2000, 500), (3, 50, 10), (80, 400, 10), (4000, 1000, 200)]
)
def test_a_plan_gives_small_tables_small_batches(n_rows, steps, size):
    planned = torch_training.plan(n_rows, epochs=50, steps=2000, batch=500, multiple=10)
    assert planned == (steps, size)


def test_weights_survive_the_disk(tmp_path):
    net = torch_training.build(small, stream(1))
    save_weights(net, tmp_path / "net.safetensors")
    again = load_weights(torch_training.build(small, stream(2)), tmp_path / "net.safetensors")
    np.testing.assert_array_equal(weights(net), weights(again))


def test_threads_leave_the_global_generator_as_it_was():
    before = torch.random.get_rng_state()
    with ThreadPoolExecutor(4) as pool:
        nets_built = list(pool.map(lambda seed: weights(torch_training.build(small, stream(seed))), [1, 2] * 100))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(np.array_equal(made, nets_built[number % 2]) for number, made in enumerate(nets_built))


def threads() -> int:
    return torch.get_num_threads()


@pytest.mark.parametrize("make", [lambda: Vae(steps=60, rate=0.1), lambda: Vae(steps=60, rate=0.3)])
def test_a_high_rate_does_not_throw_a_net_off(make):
    generator = make().fit(mixed_table(), np.random.default_rng(0))
    made = generator.sample(Request(Region(), None, 50), np.random.default_rng(1)).table
    assert np.isfinite(made.X[:, 1]).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Vae(steps=20, rate=1e9),
        lambda: Gan(steps=20, rate=1e9),
        lambda: Diffusion(least_steps=20, most_steps=20, rate=1e9),
    ],
)
def test_a_net_that_diverged_is_refused_in_one_sentence(make):
    with pytest.raises(ConfigError, match=r"training must converge, and with rate 1000000000.0 .*: lower rate\.$"):
        make().fit(mixed_table(), np.random.default_rng(0))


class TestOneThread:
    @pytest.fixture(autouse=True)
    def _two(self):
        usual = threads()
        torch.set_num_threads(2)
        yield
        torch.set_num_threads(usual)

    def test_the_number_is_put_back(self):
        @one_thread()
        def fail() -> None:
            with one_thread():
                pass
            assert threads() == 1
            raise ValueError("lost")

        with pytest.raises(ValueError, match="lost"):
            fail()
        assert threads() == 2

    def test_in_threads_that_overlap(self):
        first_out = Event()

        def fit(last: bool) -> tuple[int, int]:
            with one_thread():
                both_in.wait(5)
                if last:
                    first_out.wait(5)
                within = threads()
            first_out.set()
            return within, threads()

        both_in = Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(fit, [False, True])) == [(1, 2), (1, 2)]
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(threads).result() == 2


@pytest.mark.parametrize(
    "make", [lambda: Vae(steps=20), lambda: Gan(steps=20), lambda: Diffusion(least_steps=20, most_steps=20)]
)
def test_rows_do_not_depend_on_the_number_of_threads(make):
    table, rows, usual = mixed_table(2000), [], threads()
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            generator = make().fit(table, np.random.default_rng(0))
            rows.append(generator.sample(Request(Region(), None, 200), np.random.default_rng(1)).table.X)
            assert threads() == number
    finally:
        torch.set_num_threads(usual)
    np.testing.assert_array_equal(*rows)


def test_answers_of_a_network_do_not_depend_on_the_number_of_threads():
    table, answers, usual = mixed_table(3000), [], threads()
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            learner = MLP(members=1, hidden=256, batch=1024, steps=20).fit(table, np.random.default_rng(0))
            answers.append(learner.predict_proba(table.rows))
            assert threads() == number
    finally:
        torch.set_num_threads(usual)
    np.testing.assert_array_equal(*answers)


def test_the_student_of_a_guide_leaves_torch_as_it_was():
    generator = Diffusion(least_steps=5, most_steps=5).fit(mixed_table(), np.random.default_rng(0))
    before, guide = torch.random.get_rng_state(), Guide(lambda rows: rows.X[:, 1], method="gradient")
    generator.sample_guided(Request(Region(), None, 5), guide, np.random.default_rng(1))
    assert torch.equal(before, torch.random.get_rng_state())
