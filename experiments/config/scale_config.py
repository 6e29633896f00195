"""The section of a configuration that says where its parallel work is done; see `experiments.scale`."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from experiments.config.part_sections import Section
from loop.errors import ConfigError
from loop.support.secrets import masked

KEYS = ("dask", "workers")
PROTOCOLS = ("", "tcp", "tls", "ws", "wss")  # those of Dask itself; none is tcp
MOST_WORKERS = 1024  # of one machine; more are a mistyped number
EXAMPLE = "scale: {workers: 4} or scale: {dask: 'tcp://host:8786'}"


class ScaleConfig(Section):
    """Where parallel work is done: in this process, in workers on this machine, or on a Dask cluster.

    It is no setting of the result, which is the same everywhere, so no record of a run holds it; its address may hold a
    password.
    """

    dask: str | None = Field(default=None, min_length=1)  # address of a scheduler, such as tcp://host:8786
    workers: int | None = Field(default=None, ge=1, le=MOST_WORKERS)  # processes on this machine, one thread each

    @model_validator(mode="before")
    @classmethod
    def _readable(cls, content: object) -> object:
        if isinstance(content, ScaleConfig):
            return content
        if not isinstance(content, Mapping):
            raise ConfigError(f"scale must hold dask or workers, got {_shown(content)}: write {EXAMPLE}.")
        for key, value in content.items():
            if key not in KEYS:
                raise ConfigError(f"scale may hold dask or workers, got {_shown(key)}: write {EXAMPLE}.")
            _check(key, value)
        if sum(value is not None for value in content.values()) > 1:
            raise ConfigError("scale must hold dask or workers, got both: leave out one of them.")
        return content

    @classmethod
    def of(cls, words: str) -> Self:
        """Read an option such as ``workers=4`` or ``dask=tcp://host:8786``.

        Raises
        ------
        ConfigError
            If it is neither.
        """
        key, given, value = words.partition("=")
        if key not in KEYS or not given:
            raise ConfigError(
                f"--scale must be workers=NUMBER or dask=ADDRESS, got {_shown(words)}: write --scale workers=4, say."
            )
        whole = value.isascii() and value.isdigit() and len(value) < 10
        read = int(value) if key == "workers" and whole else value
        _check(key, read)
        return cls.model_validate({key: read})

    def check_alone(self, option: str, number: int) -> None:
        """Refuse an option that says by itself how much is done side by side, unless it is 1.

        Raises
        ------
        ConfigError
            If both are given.
        """
        if self.given and number > 1:
            raise ConfigError(
                f"scale says how much is done side by side, got {option} {number} too: leave out {option}, or scale."
            )

    @property
    def given(self) -> bool:
        """Whether work is done elsewhere than in this process."""
        return self.dask is not None or self.workers is not None


def _check(key: object, value: object) -> None:
    """Refuse a value in our own words: those of pydantic would show a password in the address."""
    if value is None:
        return
    if key == "dask":
        if not isinstance(value, str) or not value.strip() or value.rpartition("://")[0] not in PROTOCOLS:
            raise ConfigError(
                f"scale.dask must be the address of a Dask scheduler, got {_shown(value)}: write tcp://host:8786, say, "
                "or tls://host:8786."
            )
    elif not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_WORKERS:
        raise ConfigError(
            f"scale.workers must be a whole number from 1 to {MOST_WORKERS}, got {_shown(value)}: "
            "one for each processor is usual."
        )


def _shown(value: object) -> str:
    text = masked(repr(value))
    return text if len(text) <= 60 else f"{text[:57]}..."
