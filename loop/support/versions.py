"""Which version of which class did something, for the trail of new rows."""

from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version

OURS = {"loop", "generators", "learners", "experiments"}


def with_version(part: object) -> str:
    """Return the class of a part with the version of the package that it comes with, if it comes with one.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> with_version(LogisticRegression()).partition(" ")[0]
    'LogisticRegression'
    """
    kind = type(part)
    return _with_version(kind.__module__.partition(".")[0], kind.__name__)


@cache
def _with_version(home: str, name: str) -> str:
    package = "weakspot" if home in OURS else next(iter(packages_distributions().get(home, ())), None)
    try:
        return name if package is None else f"{name} {version(package)}"
    except PackageNotFoundError:
        return name
