"""A warning: its name, and a sentence that ends with the way out."""

from collections.abc import Iterable
from dataclasses import dataclass

HARM = "harm"  # name of the warnings that stand beside the verdict


@dataclass(frozen=True)
class Finding:
    """Something about a table or a score that a user should know before believing a number."""

    name: str
    sentence: str

    @property
    def line(self) -> str:
        """Return what is printed."""
        return f"Warning ({self.name}): {self.sentence}"


def tag_of(findings: Iterable[Finding]) -> str:
    """Return the value of the tag ``warnings`` of a run."""
    return " ".join(f"{each.name}: {each.sentence}" for each in findings) or "none"
