"""New texts from a language model, asked with a few real texts of the weak region and class as examples."""

import time
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from generators.common.persistence import load_rows, save_rows
from generators.common.rejection import keep_inside
from generators.resampling.resample import class_stream, no_rows, real_rows, starting_rows
from generators.text.arrays import kept_whole, with_texts
from generators.text.llm.answers import REFUSED, UNPARSABLE, Answer, content_of, texts_in, tokens_of
from generators.text.llm.cache import Cache, digest
from generators.text.llm.client import Patience, Unanswered, ask
from generators.text.llm.endpoint import Endpoint, check_variable
from generators.text.llm.prompts import Question, estimated_tokens
from generators.text.llm.spending import ANSWERED, CALLS, MILLISECONDS, TOKENS, Bounds, Spending
from generators.text.refusals import COPIED, EMPTY, REPEATED, TOO_LONG, Known
from generators.text.tally import refused
from loop.encoders import array_of
from loop.errors import ConfigError
from loop.protocols import Generator
from loop.seeds import integer
from loop.support.setting_checks import check_bounds
from loop.support.visible import visible
from loop.types import Request, Samples, Table

BATCH = 10_000
SURPLUS = "more than were asked for"
REASONS = (UNPARSABLE, REFUSED, EMPTY, TOO_LONG, COPIED, REPEATED, SURPLUS)
CACHED, TEXTS, SHOWN = "answers from the cache", "texts", "real texts sent"


@dataclass(eq=False)
class LLM:
    """Asks a language model for texts, over any OpenAI-compatible ``/v1/chat/completions``; the fit asks nothing.

    Each call shows some real texts of the region and class, as JSON, and wants several new ones as a JSON array. They
    are read as data: no tool is offered and nothing is executed. What cannot be read, is empty, too long, a copy or a
    repetition is refused and counted. Real texts leave this machine unless the address is on it.

    Calls, tokens and seconds are bounded for all copies of this generator in one process together. The seed of a row
    goes into the question and answers are kept by the question, so that with a ``cache`` the same rows come again.

    Parameters
    ----------
    base_url : str
        Address, with or without ``/v1``: https, or http on this machine.
    model : str
        Name of the model there.
    key_variable : str
        Name of the environment variable that holds the key; "" = none is sent. The key itself is never kept.
    about : str
        What the model should know of the texts, in words.
    examples, texts_a_call : int
        Real texts shown in a call, and new ones asked for.
    temperature : float, optional
        None = the server's own.
    tokens_a_call : int
        Most tokens of an answer.
    tokens_key : {"max_tokens", "max_completion_tokens"}
        How the server calls this bound.
    most_calls, most_tokens : int
        Bounds of all calls together, tries after a failure included.
    seconds : float
        Bound of the time of all calls together.
    timeout : float
        Seconds of one try.
    retries : int
        Tries after one that failed and may pass: the server is busy, broken or silent.
    first_pause : float
        Seconds before the second try; each later pause is twice as long, or as long as the server says, at most 60.
    tries : int
        Most texts asked for, for each requested row.
    most_characters : int
        Longer texts are refused.
    cache : str, optional
        Folder for answers; None = they are kept in memory.

    Raises
    ------
    ConfigError
        If a setting is out of its range; in `sample`, if the key is not set, or no call has ever been answered.
    """

    reads: ClassVar[str] = "words"

    base_url: str = "http://127.0.0.1:8080"
    model: str = "default"
    key_variable: str = ""
    about: str = ""
    examples: int = 8
    texts_a_call: int = 5
    temperature: float | None = 1.0
    tokens_a_call: int = 2_000
    tokens_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    most_calls: int = 500
    most_tokens: int = 1_000_000
    seconds: float = 1_800.0
    timeout: float = 120.0
    retries: int = 3
    first_pause: float = 1.0
    tries: int = 3
    most_characters: int = 4_000
    cache: str | None = None

    table_: Table = field(init=False, repr=False)
    array_: str = field(init=False, repr=False)
    known_: Known = field(init=False, repr=False)
    tally: Spending = field(init=False, repr=False, default_factory=Spending)
    answers: Cache = field(init=False, repr=False)

    def __post_init__(self) -> None:
        least = {"examples": 1, "texts_a_call": 1, "tokens_a_call": 16, "most_calls": 1, "most_tokens": 1, "tries": 1}
        least |= {"retries": 0, "most_characters": 1}
        most = {"examples": 100, "texts_a_call": 50, "tokens_a_call": 100_000, "most_calls": 1_000_000, "retries": 10}
        positive = ("seconds", "timeout", "first_pause")
        check_bounds(self, least=least, most=most, positive=positive)
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise ConfigError(f"temperature must be from 0 to 2, got {self.temperature}: correct it.")
        if not self.model.strip():
            raise ConfigError("model must be the name of a model at the address, got none: name it.")
        check_variable(self.key_variable)
        self._endpoint, self.answers = Endpoint.of(self.base_url), Cache(self.cache)

    def fit(self, table: Table, rng: np.random.Generator) -> Self:
        """Keep the real rows; nothing is asked, and ``rng`` is not used."""
        real = real_rows(table)
        self.array_, self.table_ = array_of(table, self.reads), table
        self.known_ = Known(real.rows.arrays[self.array_].tolist())
        return self

    def sample(self, request: Request, rng: np.random.Generator) -> Samples:
        """Ask until ``request.n`` texts lie inside the region, or tries or bounds are used up."""
        rows, chance = starting_rows(self.table_, request)
        if not len(rows) or not request.n:
            return Samples(no_rows(self.table_), request, 0, "seeds")
        draws, made = class_stream(rng, request.label), set[str]()

        def answered(anywhere: Request) -> Samples:
            parts, tried = [no_rows(self.table_)], 0
            for number in range(ceil(anywhere.n / self.texts_a_call)):
                wanted = min(self.texts_a_call, anywhere.n - number * self.texts_a_call)
                table, received = self._asked(rows, chance, wanted, request.region.text, draws, made)
                parts.append(table)
                tried += received
            return Samples(Table.concat(parts), anywhere, tried, "seeds")

        samples = keep_inside(answered, request, self.tries, BATCH, draws)
        self.tally.add("delivered", len(samples.table))
        return samples

    def _asked(
        self, rows: np.ndarray, chance: np.ndarray, wanted: int, region: str, draws: np.random.Generator, made: set[str]
    ) -> tuple[Table, int]:
        """Ask once; return new rows, and how many texts came."""
        schema, code = self.table_.schema, int(self.table_.y[draws.choice(rows, p=chance)])
        own = self.table_.y[rows] == code
        rows, chance = rows[own], chance[own] / chance[own].sum()
        shown = draws.choice(rows, size=min(self.examples, len(rows)), replace=False, p=chance)
        texts = self.table_.rows.arrays[self.array_]
        question = Question(
            label=str(schema.classes[code]),
            others=tuple(str(name) for number, name in enumerate(schema.classes) if number != code),
            region=region,
            examples=tuple(texts[shown].tolist()),
            wanted=wanted,
            about=self.about,
        )
        answer = self._answer(question, integer(draws))
        if answer is None:
            return no_rows(self.table_), 0
        for fault in answer.faults:
            self.tally.add(fault)
        self.tally.add(TEXTS, len(answer.texts))
        found = [text.strip() for text in answer.texts[:wanted]]
        self.tally.add(SURPLUS, max(0, len(answer.texts) - wanted))
        kept = [text for text in found if self._passes(text, made)]
        starts = np.resize(shown, len(kept))
        table = with_texts(self.table_, self.array_, starts, kept, [shown.tolist()] * len(kept))
        return table, max(wanted, len(answer.texts) + len(answer.faults))

    def _passes(self, text: str, made: set[str]) -> bool:
        whole = kept_whole(self.table_.schema, self.array_, text)
        reason = self.known_.reason(text, self.most_characters, made) if whole else TOO_LONG
        if reason:
            self.tally.add(reason)
        return reason is None

    def _answer(self, question: Question, seed: int) -> Answer | None:
        """Return the answer to a question, from the cache if it is there; None if there is none."""
        messages = question.messages()
        body: dict[str, Any] = {"model": self.model, "messages": messages, "seed": seed, "stream": False}
        body[self.tokens_key] = self.tokens_a_call
        if self.temperature is not None:
            body["temperature"] = self.temperature
        key = digest(f"{self._endpoint.name}{self._endpoint.path}", body)
        there, content = self.answers.get(key)
        if there:
            self.tally.add(CACHED)
            return texts_in(content)
        told = self._told(body, estimated_tokens([each["content"] for each in messages]))
        if told is None:
            return None
        self.tally.add(SHOWN, len(question.examples))
        self.answers.put(key, content_of(told))
        return texts_in(content_of(told))

    def _told(self, body: dict[str, Any], asked: int) -> dict[str, Any] | None:
        """Ask over the network, within the bounds; None if there is no answer."""
        bounds = Bounds(self.most_calls, self.most_tokens, self.seconds)
        reserved, started = asked + self.tokens_a_call, time.perf_counter()
        if why := self.tally.reserve(bounds, reserved):
            self.tally.add(f"not asked: {why}")
            return None

        def left() -> float:
            return self.tally.seconds_left(bounds) - (time.perf_counter() - started)

        patience = Patience(self.timeout, self.retries, self.first_pause)
        try:
            told = ask(self._endpoint, self.key_variable, body, patience, lambda: self.tally.call(bounds), left)
        except Unanswered as failure:
            self.tally.failed(str(failure))
            if not self.tally[ANSWERED]:
                raise ConfigError(
                    f"{self._endpoint.name} must answer as a language model does, and has not ({failure}): check "
                    "base_url, model and key_variable."
                ) from None
            return None
        finally:
            self.tally.clock(started)
        used = tokens_of(told)
        self.tally.answered(reserved, asked + estimated_tokens([content_of(told) or ""]) if used is None else used)
        return told

    def said(self) -> str:
        """Tell in a sentence what this generator and its copies have asked, received and refused so far."""
        counts = self.tally.counts()
        seconds = counts.get(MILLISECONDS, 0) / 1000
        told = (
            f"{counts.get(TEXTS, 0):,} texts of {visible(self.model[:60])} at {self._endpoint.name} "
            f"({counts.get(CALLS, 0):,} calls, {counts.get(TOKENS, 0):,} tokens, {seconds:.1f} s; "
            f"{counts.get(CACHED, 0):,} answers from the cache), {counts.get('delivered', 0):,} delivered; "
            f"{counts.get(SHOWN, 0):,} real texts were sent there"
        )
        why = refused(counts, REASONS)
        failed = ", ".join(
            f"{count:,} {name}" for name, count in counts.items() if name.startswith(("failed: ", "not "))
        )
        return f"{told}{f'; refused: {why}' if why else ''}{f'; {failed}' if failed else ''}."

    def save(self, folder: Path) -> None:
        """Write settings and real rows into a folder; no key."""
        save_rows(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` has written."""
        return load_rows(cls, folder)


_: type[Generator] = LLM
