"""The configuration of a search over the settings of the loop, checked before any work starts."""

from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from experiments.config.data_config import DataConfig
from experiments.config.reader import sentence
from experiments.config.run_config import CommonConfig, RunConfig, SourcesConfig
from experiments.data.files import digests
from experiments.tune.space import Dimension, Scalar, Value, default_space, placed, read_dimension, starting_value
from loop.errors import ConfigError, DataError
from loop.support.secrets import masked

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

# Settings that may change without making another study. The storage may also hold a password.
PASSING = {"trials", "seconds", "most_cost", "tracking", "out", "storage", "arms", "metrics", "calibration", "space"}


class TuneConfig(SourcesConfig):
    """A search over some keys of a run's configuration, scored on every source."""

    space: dict[str, Any] = Field(
        default_factory=dict
    )  # by dotted key, see `experiments.tune.space`; empty = the default space
    trials: int = Field(
        default=50, ge=1, le=100_000
    )  # of the whole study, those of earlier commands and other machines included
    seconds: float | None = Field(default=None, gt=0)  # of this command; running trials are then ended
    most_cost: float = Field(default=2.0, ge=1)  # of the winner, as a multiple of the cost of the start
    prune_after: int = Field(default=5, ge=1)  # finished trials needed before any is stopped early
    storage: str | None = None  # SQLAlchemy URL; None = an SQLite file in the folder of the search

    @field_validator("storage")
    @classmethod
    def _is_url(cls, storage: str | None) -> str | None:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        if storage is not None:
            try:
                url = make_url(storage)
            except (ArgumentError, ValueError) as error:  # ValueError: bad port; its text may hold the password
                raise ConfigError(
                    "storage must be a database URL such as sqlite:///study.db or postgresql://host/name, "
                    "got something else: correct it."
                ) from error
            if url.get_backend_name() == "sqlite" and _in_memory(url):
                raise ConfigError(
                    "storage must be a database that all workers share, and one of SQLite in memory is private, "
                    f"got {masked(storage)!r}: name a file, as in sqlite:///study.db, or leave it out."
                )
        return storage

    @model_validator(mode="after")
    def _space_fits(self) -> Self:
        for key, dimension in self._space.items():
            for value in dimension.probes:
                self.run_of({key: value}, self.sources[0])
        _ = self.dimensions
        return self

    @cached_property
    def dimensions(self) -> Mapping[str, Dimension]:
        """Dimensions by dotted key; each includes the value to start from."""
        start = self.run_of({}, self.sources[0])
        return {key: each.including(key, starting_value(start, key)) for key, each in self._space.items()}

    @cached_property
    def start(self) -> Mapping[str, Value]:
        """Values of the configuration as it is, with which every search begins."""
        start = self.run_of({}, self.sources[0])
        return {key: starting_value(start, key) for key in self.dimensions}

    def values(self, params: Mapping[str, Scalar]) -> dict[str, Value]:
        """Return the values of the parameters of a trial.

        Raises
        ------
        DataError
            If it lacks one.
        """
        if missing := next((key for key in self.dimensions if key not in params), None):
            raise DataError(
                f"each trial of a search must have all parameters of space, and one of the study lacks {missing}: "
                "choose another out or storage."
            )
        return {key: dimension.value(params[key]) for key, dimension in self.dimensions.items()}

    def run_of(self, values: Mapping[str, Value], source: DataConfig) -> RunConfig:
        """Return the configuration of one trial on one source.

        Raises
        ------
        ConfigError
            If a run does not accept the values.
        """
        common = self.model_dump(mode="json", include=set(CommonConfig.model_fields))
        try:
            return RunConfig.model_validate(placed({**common, "data": source.model_dump(mode="json")}, values))
        except ValidationError as error:
            raise ConfigError(sentence(error, RunConfig, "in space")) from error

    def identity(self) -> dict[str, Any]:
        """Return all settings that the scores of trials depend on."""
        content = self.model_dump(mode="json", exclude=PASSING)
        content["loop"].pop("jobs")
        space = {key: repr(dimension) for key, dimension in self.dimensions.items()}
        settings = [self.dimensions[key] for key in self.dimensions if key.startswith("generator.settings.")]
        tried = [value for dimension in settings for value in dimension.probes if isinstance(value, str)]
        files = self.files() | digests(tried)
        return {**content, "space": space, "version": version("weakspot"), "files": files}

    @cached_property
    def _space(self) -> Mapping[str, Dimension]:
        arrays = any(source.has_arrays for source in self.sources)
        usual = arrays and not self.learner.is_told  # then its settings are not those of the learner of tables
        space = self.space or default_space("" if usual else self.learner.name, arrays)
        return {key: read_dimension(key, content) for key, content in space.items()}


def _in_memory(url: "URL") -> bool:
    """Tell whether an SQLite database is in memory, by its name or a parameter of its URI."""
    name = url.database or ":memory:"
    return name == ":memory:" or name.startswith("file::memory:") or url.query.get("mode") == "memory"
