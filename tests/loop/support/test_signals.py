"""SIGTERM stops like Ctrl-C, and what must come to its end does so first."""

import os
import signal
import threading

import pytest

from loop.support.signals import stopped_by_either, undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_raised_once_the_work_is_done(number: signal.Signals) -> None:
    done = []

    def work() -> None:
        with undisturbed():
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            done.append("all")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all"]


def test_handlers_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stopped_by_either(), undisturbed():
        pass
    with pytest.raises(ValueError, match="mine"), undisturbed():
        raise ValueError("mine")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_sigterm_is_an_interruption() -> None:
    def work() -> None:
        with stopped_by_either():
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()

    with pytest.raises(KeyboardInterrupt):
        work()


def test_other_threads_are_left_alone() -> None:
    ended = []

    def work() -> None:
        with stopped_by_either(), undisturbed():
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended
