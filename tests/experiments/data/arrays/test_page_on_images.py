"""The block on the page about images runs, on a folder of digits."""

import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from image_tables import digit_images

from experiments.data.arrays.images import load, save

PAGE = Path(__file__).parents[4] / "docs" / "images.md"


def test_the_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    images, y = digit_images()
    save(
        tmp_path / "parts",
        images[:90],
        [("good", "bent", "cracked")[code] for code in np.searchsorted((0, 3, 8), y[:90])],
    )
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    module = ModuleType("page_images")
    exec(compile(block, str(PAGE), "exec"), vars(module))
    assert module.proba.shape == (len(module.split.test), 3)
    assert (module.proba.argmax(axis=1) == module.split.test.y).mean() > 0.7
    assert len(module.made) > 0
    assert len(load(tmp_path / "made", "state").frame) == len(module.made)
    assert set(module.made.parents[:, 0]) <= set(module.split.train.row_number)
