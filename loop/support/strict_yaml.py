"""Strict YAML: no duplicate keys, no aliases, and one kind of error for every fault."""

from typing import Any

import yaml


class PlainLoader(yaml.SafeLoader):
    """Refuses duplicate keys, of which the later would win silently, and aliases, which can expand to fill memory."""

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


def read_plain(text: str) -> Any:
    """Read YAML.

    Raises
    ------
    yaml.YAMLError
        For every fault, also for dates that do not exist, numbers too long and text nested too deeply.
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
