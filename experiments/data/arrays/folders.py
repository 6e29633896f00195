"""Files in a folder that has a folder for each class."""

from collections.abc import Iterator
from pathlib import Path


def files_by_class(folder: Path, *, flat: bool = False) -> Iterator[Path]:
    """Yield the files of the folders of classes, in the order of their names; hidden ones are left out.

    Parameters
    ----------
    folder : Path
    flat : bool
        Whether a folder without folders is taken for one class.
    """
    classes = [each for each in sorted(folder.iterdir()) if each.is_dir() and not each.name.startswith(".")]
    for home in classes or [folder] * flat:
        yield from (each for each in sorted(home.iterdir()) if not each.name.startswith(".") and not each.is_dir())
