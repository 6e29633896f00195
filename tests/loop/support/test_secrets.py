"""Passwords do not appear, in whatever form an address has; other text is not changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop.support.secrets import masked

FORMS = [
    "postgresql://me:{}@host/db",
    "postgresql+psycopg2://me:{}@host:5432/db?sslmode=require",
    "postgresql://:{}@host/db",
    "https://{}@mlflow.example/api",
    "http://me:{}@[::1]:5000",
    "mysql://me:{}@host",
    "postgresql://host/db?user=me&password={}",
    "postgresql://host/db?password={}&sslmode=require",
    "https://host/path?token={}",
    "s3://key:{}@bucket/prefix",
    "me:{}@host",
    "me:{}@host/db",
    "redis://me:{}@host:1/0",
]
FRAMES = ["{}", "MLflow at {} did not take all records", "got '{}': correct it", '"{}"', "({})", "storage={}, seed=1"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("frame", FRAMES)
@given(
    password=st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="'\"&"), min_size=6, max_size=20
    ).filter(lambda text: "***" not in text)
)
def test_a_password_is_hidden_in_every_form(form: str, frame: str, password: str) -> None:
    secret = "".join(f"Zq{sign}" for sign in password) + "Zq"  # so no piece of it is left, either
    assert "Zq" not in masked(frame.format(form.format(secret)))


def test_where_it_is_can_still_be_seen() -> None:
    said = masked("MLflow at postgresql://me:a/b@c@host:5432/db?password=x&sslmode=y is down")
    assert said == "MLflow at postgresql://***@host:5432/db?password=***&sslmode=*** is down"


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///mlflow.db",
        "http://127.0.0.1:5000",
        "amount: 5,906 of 5,907 values are numbers, 'n/a?' is not: correct it.",
        "a mail to me@example.com is no address of a store: 12:30 at 5 @ 3",
        "files must be writable, and /home/me@work/x.csv is not (no: room): make room.",
        "n_neighbors must be below 12, got 15: lower it? a = 1",
    ],
)
def test_other_text_is_not_changed(text: str) -> None:
    assert masked(text) == text
