"""Settings of parts under nested names for scikit-learn's searches, such as ``learner__depth``."""

from dataclasses import fields, is_dataclass, replace
from typing import Any, Self

from sklearn.base import BaseEstimator

from loop.errors import ConfigError


class NestedParams(BaseEstimator):  # type: ignore[misc]
    """An estimator whose parameters may be dataclasses: their fields are parameters too, one level deep."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; ``deep`` adds the settings of parts as ``part__setting``."""
        params: dict[str, Any] = super().get_params(deep=deep)
        if not deep:
            return params
        parts = {name: part for name, part in params.items() if is_dataclass(part)}
        nested = {
            f"{name}__{each.name}": getattr(part, each.name)
            for name, part in parts.items()
            for each in fields(part)
            if each.init
        }
        return params | nested

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a part whose setting changes is replaced by a changed copy.

        Raises
        ------
        ConfigError
            If a part has no such setting.
        """
        of_parts = {name: value for name, value in params.items() if "__" in name}
        super().set_params(**{name: value for name, value in params.items() if name not in of_parts})
        for name, value in of_parts.items():
            part, _, setting = name.partition("__")
            if not is_dataclass(getattr(self, part, None)):
                super().set_params(**{name: value})
                continue
            allowed = [each.name for each in fields(getattr(self, part)) if each.init]
            if setting not in allowed:
                raise ConfigError(
                    f"a setting of {part} must be one of {', '.join(allowed)}, got {setting!r}: choose one of these"
                )
            setattr(self, part, replace(getattr(self, part), **{setting: value}))
        return self

    def told(self) -> dict[str, object]:
        """Return the settings as a tracker can store them: numbers and class names of parts."""
        params = self.get_params(deep=False)
        return {
            name: value if isinstance(value, (bool, int, float, str)) else type(value).__name__
            for name, value in params.items()
            if value is not None
        }
