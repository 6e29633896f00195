"""Named arrays on disk: read without pickle, and checked by name, type, shape and range before they are used."""

import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loop.errors import DataError
from loop.support.own_files import own_file

Arrays = dict[str, np.ndarray]
LARGEST = 2**33  # bytes of an archive once it is unpacked: a small one may hold zeros without end
FAULTS = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, MemoryError, RuntimeError)
# numpy.load: the first three, and MemoryError for a header with a huge shape; zipfile: the next two, and RuntimeError
# for a member that is encrypted or compressed by an unknown method


@dataclass(frozen=True)
class Form:
    """What an array must be.

    Parameters
    ----------
    kinds : str
        Kinds of its dtype, as NumPy names them: "f", "iu", "b".
    shape : tuple of int or None
        Its lengths, None = any.
    least, most : float
        Bounds of its values.
    gaps : bool
        Whether values may be missing, NaN.
    """

    kinds: str
    shape: tuple[int | None, ...]
    least: float = -np.inf
    most: float = np.inf
    gaps: bool = False

    def fault(self, array: object) -> str | None:
        """Return the rule that an array breaks, None if it breaks none."""
        if not isinstance(array, np.ndarray) or array.dtype.kind not in self.kinds or array.ndim != len(self.shape):
            got = f"{array.ndim} of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
            dimensions = f"{len(self.shape)} dimension{'' if len(self.shape) == 1 else 's'}"
            return f"have {dimensions} of {_named(self.kinds)}, got {got}"
        if any(wanted not in (None, got) for wanted, got in zip(self.shape, array.shape, strict=True)):
            told = ", ".join("any" if each is None else str(each) for each in self.shape)
            return f"be of shape ({told}), got {array.shape}"
        if self.kinds == "b":
            return None
        seen = array[~np.isnan(array)] if self.gaps and array.dtype.kind == "f" else array
        finite = np.isfinite(seen).all() if array.dtype.kind == "f" else True
        if not finite or not ((seen >= self.least) & (seen <= self.most)).all():
            return f"be finite and from {self.least:g} to {self.most:g}, and is not everywhere"
        return None


def read_npz(path: Path) -> Arrays:
    """Read all arrays of a NumPy archive, whose unpacked size is looked at before anything is unpacked.

    Raises
    ------
    DataError
        If it is damaged, too large or holds what is no array; the caller adds the file and the way out.
    """
    try:
        with own_file(path).open("rb") as file:
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as members:
                    size = sum(member.file_size for member in members.infolist())
                if size > LARGEST:
                    raise DataError(f"unpacked it has {size:,} bytes, more than {LARGEST:,}")
            file.seek(0)
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError("it holds a single array")
            held = dict(archive)
    except FAULTS as error:
        raise DataError(" ".join(str(error).split())[:120] or type(error).__name__) from error
    if odd := [name for name, array in held.items() if not isinstance(array, np.ndarray)]:
        raise DataError(f"{odd[0][:40]!r} is no array")
    return held


def checked(arrays: Mapping[str, object], forms: Mapping[str, Form], more: Iterable[str] = ()) -> None:
    """Check that there are the arrays of ``forms``, each as it must be, and no others but ``more``.

    Raises
    ------
    DataError
        For the first that is not; the caller adds the file and the way out.
    """
    if odd := sorted(set(forms) ^ (set(arrays) - set(more))):
        raise DataError(f"{odd[0][:40]!r} is {'missing' if odd[0] in forms else 'unknown'}")
    for name, form in forms.items():
        if fault := form.fault(arrays[name]):
            raise DataError(f"{name} must {fault}")


def _named(kinds: str) -> str:
    return "flags" if kinds == "b" else "whole numbers" if kinds in ("i", "iu") else "numbers"
