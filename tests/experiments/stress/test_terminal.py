"""What a stress prints fits a screen, however many categories a region lists."""

import pytest

from experiments.stress.terminal import fewer_categories


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("amount > 3 and shop in {a, b}", "amount > 3 and shop in {a, b}"),
        (
            "card in {'01', '02', 'a, b', 'it''s}', x, y, z} and n in {1, 2}: 9% of 3 rows are missed",
            "card in {'01', '02', 'a, b', 'it''s}', x and 2 more} and n in {1, 2}: 9% of 3 rows are missed",
        ),
    ],
)
def test_long_lists_of_categories_are_counted(text: str, shown: str) -> None:
    assert fewer_categories(text) == shown
