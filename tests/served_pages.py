"""The lines of docs/your-data.md that serve an exported model, without the rest of the page."""

import re
from pathlib import Path
from types import ModuleType

PAGE = Path(__file__).parent.parent / "docs" / "your-data.md"


def serving_lines() -> ModuleType:
    """Run the functions of the page and return them."""
    (block,) = re.findall(r"^```python\n((?:(?!```).)*?)^again = ", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    module = ModuleType("serving")
    exec("import pandas as pd\n" + block, vars(module))
    return module
