"""YAML as people mean it: keys once, no aliases, and every fault as one kind of error."""

from typing import Any

import yaml


class PlainLoader(yaml.SafeLoader):
    """Refuses keys given twice, of which the later would win in silence, and aliases, which a few lines can blow up."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse ``*name`` before anything is made of it."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(None, None, "aliases are not read", self.get_mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that was there before."""
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
        For whatever is wrong with it: also dates that do not exist, endless numbers, and what is nested too deeply.
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
