"""What the server on this machine says in the place of a language model: no model is measured with it.

For the rare topic it hands out real texts that were held back, which no language model could do better: an upper bound.
For all others, and where nothing is held back, it writes a Markov chain of the examples shown: it knows nothing more.
"""

import json
import zlib
from collections.abc import Callable, Sequence

import numpy as np

from experiments.benchmarks.text.loopback import Asked, Reply, said
from generators.text.chain import END, Chain, joined, words_of

MOST_WORDS = 120


def answers(rare: str, held_back: Sequence[str]) -> Callable[[Asked], Reply]:
    """Return the answers of such a server: the same ones to the same question."""

    def answer(asked: Asked) -> Reply:
        rng = np.random.default_rng(zlib.crc32(json.dumps(asked.body, sort_keys=True).encode()))
        wanted = int(asked.data["wanted"])
        if asked.data["class"] == rare and held_back:
            chosen = rng.permutation(len(held_back))[:wanted]
            return said(json.dumps([held_back[at] for at in chosen]))
        examples = [str(each) for each in asked.data["examples"]]
        chain = Chain.of(examples, np.arange(len(examples)), 3)
        lengths = [len(words_of(each)) for each in examples]
        return said(json.dumps([_written(chain, int(rng.choice(lengths)), rng) for _ in range(wanted)]))

    return answer


def _written(chain: Chain, length: int, rng: np.random.Generator) -> str:
    words: list[str] = []
    while len(words) < min(MOST_WORDS, length + 5):
        found = chain.next(words, 0.5, 0, rng)
        if found is None or found[0] is END:
            break
        words.append(str(found[0]))
    return joined(words)
