"""One question to a language model over HTTP: bounded in time and size, asked again after a failure that may pass."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any

from generators.text.llm.endpoint import Endpoint, key_of

LARGEST = 2**22  # bytes of an answer
LONGEST_PAUSE = 60.0  # seconds between two tries
PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}  # statuses after which it is asked again
WHY: Mapping[int, str] = {401: "the key was refused", 403: "access was refused", 404: "no such address or model"}


class Unanswered(Exception):
    """No answer; the message is ours and holds nothing that was sent or came back.

    Parameters
    ----------
    why : str
    passing : bool
        Whether the same question may be answered later.
    wait : float, optional
        Seconds that the server asks to wait.
    """

    def __init__(self, why: str, passing: bool = True, wait: float | None = None) -> None:
        super().__init__(why)
        self.passing, self.wait = passing, wait


@dataclass(frozen=True)
class Patience:
    """How long and how often it is asked."""

    timeout: float  # seconds of one try
    retries: int
    first_pause: float  # seconds before the second try; each later one is twice as long


def ask(
    endpoint: Endpoint,
    key_variable: str,
    body: Mapping[str, Any],
    patience: Patience,
    may_try: Callable[[], str | None],
    seconds_left: Callable[[], float],
) -> dict[str, Any]:
    """Return what a model answers, a JSON object.

    Parameters
    ----------
    endpoint, key_variable
        Where it answers, and which environment variable holds the key, "" = none is sent.
    body : mapping
        The question.
    patience : Patience
    may_try : callable
        Asked before each try; returns why there must be none, None if there may.
    seconds_left : callable
        Returns how long all this may take yet.

    Raises
    ------
    Unanswered
        If there is no answer.
    """
    content = json.dumps(body).encode()
    for attempt in range(patience.retries + 1):
        if why := may_try():
            raise Unanswered(why, passing=False)
        try:
            return _told(_posted(endpoint, content, key_of(key_variable), min(patience.timeout, seconds_left())))
        except Unanswered as failure:
            pause = patience.first_pause * 2**attempt if failure.wait is None else failure.wait
            if not failure.passing or attempt == patience.retries:
                raise
            if pause > min(LONGEST_PAUSE, seconds_left()):
                raise Unanswered(f"{failure}, and the pause would be too long") from failure
            time.sleep(pause)
    raise Unanswered("no try was allowed", passing=False)


def _posted(endpoint: Endpoint, content: bytes, key: str | None, seconds: float) -> bytes:
    """Send one request and return the answer's body. Redirects are not followed, proxies not used."""
    if seconds <= 0:
        raise Unanswered("out of seconds", passing=False)
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
    headers |= {} if key is None else {"Authorization": f"Bearer {key}"}
    kind = HTTPSConnection if endpoint.secure else HTTPConnection
    connection = kind(endpoint.host, endpoint.port, timeout=seconds)
    late = threading.Event()
    try:
        connection.connect()
        watch = threading.Timer(seconds, _cut, (connection.sock, late))  # a timeout alone allows a byte now and then
        watch.daemon = True
        watch.start()
        try:
            connection.request("POST", endpoint.path, content, headers)
            with connection.getresponse() as answer:
                told = _body(answer)
        finally:
            watch.cancel()
    except (OSError, HTTPException, UnicodeError) as error:  # the last: a host that no name can be
        # Their messages may quote what was sent: only their kind is told.
        late_or_lost = late.is_set() or isinstance(error, TimeoutError)
        raise Unanswered("no answer in time" if late_or_lost else f"no answer ({type(error).__name__})") from None
    finally:
        connection.close()
    if late.is_set():  # a head that was cut off reads like a whole one
        raise Unanswered("no answer in time")
    return told


def _cut(connected: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _body(answer: HTTPResponse) -> bytes:
    """Return the body of an answer with status 200."""
    status = answer.status
    if 300 <= status < 400:
        raise Unanswered("it redirects, which is not followed: give the final address", passing=False)
    if status != 200:
        why = WHY.get(status, "busy" if status == 429 else "status")
        raise Unanswered(f"{why} ({status})", status in PASSING, _wait(answer.getheader("Retry-After")))
    content = answer.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Unanswered(f"more than {LARGEST:,} bytes", passing=False)
    if answer.length:
        raise Unanswered("the answer was cut")
    return content


def _wait(told: str | None) -> float | None:
    """Return the seconds of a header Retry-After, a number or a date; None if it is neither."""
    if told is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", told.strip(), re.ASCII):
        return float(told)
    with suppress(ValueError, TypeError, OverflowError):  # no date; one without a zone; one beyond all clocks
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    return None


def _told(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unanswered("the answer is no JSON") from error
    if not isinstance(told, dict):
        raise Unanswered("the answer is no JSON object")
    return told
