"""A checker of the part of JSON Schema that the schema of configurations uses; an unknown keyword is an error."""

import re
from typing import Any

PASSED = {"$schema", "$defs", "title", "default", "format"}  # say nothing about what is allowed
TYPES = {"string": str, "boolean": bool, "array": (list, tuple), "object": dict, "null": type(None)}
Schema = dict[str, Any]


def faults(value: Any, schema: Schema, root: Schema | None = None, at: str = "") -> list[str]:
    """Return where a value breaks a schema."""
    root = root or schema
    found = list[str]()
    for keyword, wanted in schema.items():
        if keyword == "$ref":
            found += faults(value, root["$defs"][wanted.rpartition("/")[2]], root, at)
        elif keyword in ("anyOf", "oneOf"):
            fits = sum(not faults(value, each, root, at) for each in wanted)
            found += [] if fits == 1 or (fits and keyword == "anyOf") else [f"{at} fits {fits} of {keyword}"]
        elif keyword == "properties":
            inner = value.items() if isinstance(value, dict) else ()
            found += [f for key, each in inner if key in wanted for f in faults(each, wanted[key], root, f"{at}.{key}")]
        elif keyword == "additionalProperties":
            found += _more(value, schema, root, at)
        elif keyword == "items":
            inner = enumerate(value) if isinstance(value, (list, tuple)) else ()
            found += [f for place, each in inner for f in faults(each, wanted, root, f"{at}.{place}")]
        elif keyword not in PASSED:
            found += [] if _holds(keyword, wanted, value) else [f"{at} breaks {keyword} {wanted}"]
    return found


def _more(value: Any, schema: Schema, root: Schema, at: str) -> list[str]:
    wanted = schema["additionalProperties"]
    others = set(value) - set(schema.get("properties", {})) if isinstance(value, dict) else set()
    if isinstance(wanted, dict):
        return [f for key in others for f in faults(value[key], wanted, root, f"{at}.{key}")]
    return [] if wanted else [f"{at} has {key}" for key in sorted(others)]


def _holds(keyword: str, wanted: Any, value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    checks = {
        "type": lambda: (
            (number and (wanted == "number" or value == int(value)))
            if wanted in ("number", "integer")
            else isinstance(value, TYPES[wanted])
        ),
        "enum": lambda: value in wanted,
        "pattern": lambda: not isinstance(value, str) or re.search(wanted, value) is not None,
        "const": lambda: value == wanted,
        "required": lambda: not isinstance(value, dict) or set(wanted) <= set(value),
        "minItems": lambda: len(value) >= wanted,
        "maxItems": lambda: len(value) <= wanted,
        "minimum": lambda: not number or value >= wanted,
        "maximum": lambda: not number or value <= wanted,
        "exclusiveMinimum": lambda: not number or value > wanted,
        "exclusiveMaximum": lambda: not number or value < wanted,
    }
    return bool(checks[keyword]())
