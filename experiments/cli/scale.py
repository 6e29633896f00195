"""The option that says where the work of a command is done."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from experiments.config.scale_config import ScaleConfig

Scale = Annotated[
    str | None, typer.Option(help="Where the work is done: workers=NUMBER or dask=ADDRESS.", metavar="PLACE")
]


def scale_of(words: str | None) -> "ScaleConfig | None":
    """Read the option; None if it was not given.

    Raises
    ------
    ConfigError
        If it names no place.
    """
    if words is None:
        return None
    from experiments.config.scale_config import ScaleConfig  # on use: it loads the parts

    return ScaleConfig.of(words)
