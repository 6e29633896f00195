"""Strict YAML: no duplicate keys, no aliases, words that stay words, and one kind of error for every fault."""

import re
from pathlib import Path
from typing import Any

import yaml

LARGEST = 2**20  # bytes of a file; more would take minutes to read
BOOLEAN, WHOLE, FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float"))
DATE = "tag:yaml.org,2002:timestamp"  # none in YAML 1.2: a date stays the text that columns and classes hold
# As in YAML 1.2: yes, no, on and off are words, 08 and 010 codes, 12:30 a time. Unlike there
# 0x10 is a code, too, and no 16: nobody counts so, and it may be a class. Each with its first characters.
SPELLINGS = {
    BOOLEAN: (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    WHOLE: (r"[-+]?(?:0|[1-9][0-9_]*)", "-+0123456789"),
    FLOAT: (
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
}


class PlainLoader(yaml.SafeLoader):
    """Refuses duplicate keys, of which the later would win silently, and aliases, which can expand to fill memory."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML reads it from the class)
        first: [(tag, pattern) for tag, pattern in known if tag not in (*SPELLINGS, DATE)]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse an alias, ``*name``, before it is resolved."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(None, None, "aliases are not read", self.get_mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a duplicate key."""
        seen = set()
        for key, _ in node.value:
            if (key.tag, key.value) in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(None, None, f"key {key.value!r} is given twice", key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def _refuse_tag(loader: PlainLoader, node: yaml.Node) -> Any:
    """Refuse an unknown tag without naming it: a password may begin with an exclamation mark."""
    raise yaml.MarkedYAMLError(None, None, "tags are not read", node.start_mark)


PlainLoader.add_constructor(None, _refuse_tag)
for _tag, (_pattern, _first) in SPELLINGS.items():
    PlainLoader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), list(_first))


def read_plain(text: str) -> Any:
    """Read YAML.

    Raises
    ------
    yaml.YAMLError
        For every fault, also for numbers too long and text nested too deeply.
    """
    loader = PlainLoader(text)
    try:
        return loader.get_single_data()
    except ValueError as error:
        raise yaml.YAMLError(f"a value cannot be read: {error}") from error
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    finally:
        loader.dispose()


def read_file(path: Path) -> Any:
    """Read a YAML file of at most a mebibyte.

    Raises
    ------
    OSError
        If it cannot be read.
    yaml.YAMLError
        For every other fault.
    """
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise yaml.YAMLError(f"it is larger than {LARGEST:,} bytes")
    try:
        return read_plain(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise yaml.YAMLError(f"it is not UTF-8 at byte {error.start + 1}") from error


def cause(error: Exception) -> str:
    """Return what is wrong and where, without the line itself, which may hold a password."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())[:200]
    mark = error.problem_mark or error.context_mark
    said = " ".join(" ".join(filter(None, (error.problem, error.context))).split())[:150]
    return said if mark is None else f"{said}, line {mark.line + 1}, column {mark.column + 1}"
