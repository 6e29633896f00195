"""What no generator of texts hands out: empty texts, too long ones, copies of real ones, and repetitions."""

from collections.abc import Iterable

EMPTY, TOO_LONG, COPIED, REPEATED = "empty", "too long", "copied from a real text", "made before"
BLOCK = 20  # letters and digits, half of an excerpt
EXCERPT = 2 * BLOCK  # letters and digits from which on a piece of a real text, or around one, is a copy


class Known:
    """Real texts, in which case, marks and blanks count for nothing.

    A copy is a text that equals a real one, is a piece of one, or has one as a piece; pieces count from `EXCERPT`
    letters and digits on, as short ones are common phrases.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.real = {bare for text in texts if (bare := _bare(text))}
        self.joined = "\0".join(sorted(self.real))
        # A piece of a real text holds one of its blocks whole, near its own beginning: so few texts are searched for.
        self.blocks = {bare[at : at + BLOCK] for bare in self.real for at in range(0, len(bare) - BLOCK + 1, BLOCK)}
        self.beginnings: dict[str, list[str]] = {}  # long texts by their first letters, to find them inside others
        for bare in sorted(self.real):
            if len(bare) >= EXCERPT:
                self.beginnings.setdefault(bare[:EXCERPT], []).append(bare)

    def reason(self, text: str, most: int, made: set[str]) -> str | None:
        """Return why a text is refused, None if it is not; one that is not is added to those ``made``.

        Parameters
        ----------
        text : str
        most : int
            Most characters.
        made : set of str
            What was made already; only this function looks inside.
        """
        bare = _bare(text)
        if not bare:
            return EMPTY
        if len(text) > most:
            return TOO_LONG
        if bare in self.real or (len(bare) >= EXCERPT and (self._is_piece(bare) or self._holds_one(bare))):
            return COPIED
        if bare in made:
            return REPEATED
        made.add(bare)
        return None

    def _is_piece(self, bare: str) -> bool:
        return any(bare[at : at + BLOCK] in self.blocks for at in range(BLOCK)) and bare in self.joined

    def _holds_one(self, bare: str) -> bool:
        windows = (self.beginnings.get(bare[at : at + EXCERPT], ()) for at in range(len(bare) - EXCERPT + 1))
        return any(bare.startswith(each, at) for at, texts in enumerate(windows) for each in texts)


def _bare(text: str) -> str:
    return "".join(each for each in text.casefold() if each.isalnum())
