"""Kinds of questions, and the first letter of the id of each."""

ASK, AUDIT, CHECK = "ask", "audit", "check"  # a row that a model chose; one drawn at random; a given label in doubt
PREFIX = {ASK: "p", AUDIT: "a", CHECK: "t"}


def key(question: str) -> str:
    """Return what names the row of a question: of the pool its values, of the table its number."""
    return question if question.startswith(PREFIX[CHECK]) else question[1:]


def row_number(question: str) -> int:
    """Return the row number of a question of the kind check."""
    return int(question[1:])
