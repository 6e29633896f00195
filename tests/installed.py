"""Distributions that look installed: a folder of metadata with entry points, put on the path."""

from collections.abc import Mapping
from pathlib import Path

import pytest


def install(
    site: Path,
    groups: Mapping[str, Mapping[str, str]] | str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    name: str = "my-parts",
    version: str = "1.0",
) -> None:
    """Write the metadata of a distribution into a folder and put the folder on the path.

    Parameters
    ----------
    groups
        Places ``module:Class`` by group and name, or the text of ``entry_points.txt`` as it is.
    """
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if not isinstance(groups, str):
        groups = "\n".join(
            "\n".join([f"[{group}]", *(f"{each} = {place}" for each, place in places.items())])
            for group, places in groups.items()
        )
    (info / "entry_points.txt").write_text(groups)
    monkeypatch.syspath_prepend(site)
