"""Addresses of PostgreSQL: a driver that is there, and an end to waiting."""

import pytest
from sqlalchemy.engine import make_url

from loop.errors import ConfigError
from loop.tracking import postgres
from loop.tracking.postgres import one_at_a_time, reachable

PLAIN = "postgresql://me:a%2Fb%40c@host/db"


@pytest.mark.parametrize("installed", postgres.DRIVERS)
def test_the_driver_that_is_installed_is_taken(installed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda name: name == installed or None)
    url = make_url(reachable(PLAIN))
    assert url.drivername == f"postgresql+{installed}"
    assert (url.password, url.host, url.database) == ("a/b@c", "host", "db")


def test_without_a_driver_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'weakspot\[postgres\]'"):
        reachable(PLAIN)


def test_waiting_ends_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda name: name == "psycopg" or None)
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    assert make_url(reachable(PLAIN)).query == postgres.LIMITS | {"connect_timeout": "5"}
    own = make_url(reachable(f"{PLAIN}?connect_timeout=60&sslmode=require")).query
    assert (own["connect_timeout"], own["sslmode"]) == ("60", "require")
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "90")
    assert "connect_timeout" not in make_url(reachable(PLAIN)).query
    assert not make_url(reachable("postgresql+asyncpg://host/db")).query  # knows other words for them


@pytest.mark.parametrize("address", ["sqlite:///a b.db", "http://host:5000", "mysql://me:secret@host/db", "mlruns"])
def test_other_addresses_stay_as_they_are_and_are_not_locked(address: str) -> None:
    assert reachable(address) == address
    with one_at_a_time(address):
        pass
