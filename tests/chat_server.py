"""What a language model behind an address may say and do: proper texts, and every fault that we know of."""

import json
import threading
import zlib
from collections.abc import Callable, Mapping

import numpy as np
from texts import TOPICS

from experiments.benchmarks.text.loopback import Asked, ChatServer, Reply, said

__all__ = ["FAULTS", "Asked", "ChatServer", "Reply", "first_then", "proper", "said", "texts_for"]

Answer = Callable[[Asked], Reply]


def texts_for(asked: Asked, count: int | None = None) -> list[str]:
    """Return new texts on the topic, the same ones for the same question."""
    rng = np.random.default_rng(zlib.crc32(json.dumps(asked.body, sort_keys=True).encode()))
    words = [*TOPICS.get(str(asked.data["class"]), "some words of no topic").split(), "the", "new", "of", "every"]
    number = asked.data["wanted"] if count is None else count
    return [" ".join(rng.choice(words, rng.integers(5, 24))).capitalize() + "." for _ in range(number)]


def proper(asked: Asked) -> Reply:
    """Answer as asked."""
    return said(json.dumps(texts_for(asked)))


def first_then(first: Answer, then: Answer = proper, times: int = 1) -> Answer:
    """Answer the first requests in one way and the later ones in another."""
    count, lock = [0], threading.Lock()

    def answer(asked: Asked) -> Reply:
        with lock:
            count[0] += 1
            chosen = first if count[0] <= times else then
        return chosen(asked)

    return answer


def status(code: int, **headers: str) -> Answer:
    """Answer with a status, and the headers with hyphens for underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked: Reply(b'{"error": {"message": "your key is Bearer secret"}}', code, named)


def hang(seconds: float = 1.5) -> Answer:
    """Say nothing for a while."""

    def answer(asked: Asked) -> Reply:
        threading.Event().wait(seconds)
        return proper(asked)

    return answer


def copied(asked: Asked) -> Reply:
    """Answer with the examples."""
    return said(json.dumps([*asked.data["examples"]][: asked.data["wanted"]]))


FAULTS: Mapping[str, Answer] = {
    "busy": status(429),
    "busy, with a pause": status(429, Retry_After="0.01"),
    "busy until a date": status(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "busy for long": status(429, Retry_After="86400"),
    "busy with nonsense": status(429, Retry_After="soon"),
    "broken": status(500),
    "unavailable": status(503),
    "no key": status(401),
    "no model": status(404),
    "wrong request": status(400),
    "redirects": status(302, Location="http://127.0.0.1:1/v1/chat/completions"),
    "redirects for good": status(308, Location="https://example.org/"),
    "hangs": hang(),
    "cut on the way": lambda asked: Reply(proper(asked).content[:60], announced=5_000),
    "no JSON": lambda asked: Reply(b"<html>Bad gateway</html>"),
    "JSON of another kind": lambda asked: Reply(b"[1, 2]"),
    "deep JSON": lambda asked: Reply(b"[" * 100_000),
    "too large": lambda asked: Reply(b'{"a": "' + b"x" * (2**22) + b'"}'),
    "nothing chosen": lambda asked: Reply(b'{"choices": []}'),
    "strange choices": lambda asked: Reply(
        b'{"choices": [{"message": {"content": [1]}}], "usage": {"total_tokens": -5}}'
    ),
    "refuses": lambda asked: said("I'm sorry, but I can't help with that [really]."),
    "refuses by field": lambda asked: said(None, refusal="No."),
    "refuses in the array": lambda asked: said(json.dumps(["I cannot assist with this request."] * 3)),
    "no array": lambda asked: said("Here is a text: waves and sails."),
    "array of numbers": lambda asked: said("[1, 2, 3]"),
    "array cut": lambda asked: said('["A whole text of waves and sails", "a text that is c'),
    "huge number": lambda asked: said("[" + "9" * 10_000 + "]"),
    "deep array": lambda asked: said("[" * 100_000),
    "empty texts": lambda asked: said(json.dumps(["", "  ", "...", "\u200b"])),
    "duplicates": lambda asked: said(json.dumps(["The very same new text"] * asked.data["wanted"])),
    "copies": copied,
    "too long": lambda asked: said(json.dumps(["word " * 2_000] * 2)),
    "too many": lambda asked: said(json.dumps(texts_for(asked, asked.data["wanted"] + 4))),
    "too few": lambda asked: said(json.dumps(texts_for(asked, 1))),
    "fenced": lambda asked: said(f"Sure [5]:\n```json\n{json.dumps(texts_for(asked))}\n```"),
    "objects": lambda asked: said(json.dumps({"texts": [{"text": text} for text in texts_for(asked)]})),
    "thinks aloud": lambda asked: said(f'<think>["not this"]</think>{json.dumps(texts_for(asked))}'),
}
