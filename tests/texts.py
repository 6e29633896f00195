"""Made texts of three topics, with a column beside them, as a small table."""

import numpy as np
import pandas as pd

from learners.encoders.words import Words
from loop.data.encoding import encode
from loop.data.schema import infer
from loop.types import Table

TOPICS = {
    "garden": "rose soil water seed sun leaf root bloom spade hedge lawn moss",
    "kitchen": "oven salt butter knife bread stew onion pan spice flour broth plate",
    "sea": "wave sail harbour anchor tide gull rope salt storm keel deck shore",
}
COMMON = "the a of and with in under over every old new small morning evening my your"


def text_frame(n: int = 150, seed: int = 0) -> pd.DataFrame:
    """Return n texts of 6 to 25 words, half of them common to all topics, with topic, pages and shelf."""
    rng = np.random.default_rng(seed)
    topics = rng.choice(list(TOPICS), n, p=[0.45, 0.35, 0.2])
    return pd.DataFrame(
        {
            "note": [_text(topic, rng) for topic in topics],
            "pages": rng.integers(1, 40, n),
            "shelf": rng.choice(["low", "high"], n),
            "topic": topics,
        }
    )


def text_table(n: int = 150, seed: int = 0) -> Table:
    """Return such texts encoded; the class to catch is the sea."""
    frame = text_frame(n, seed)
    return encode(infer(frame, "topic", positive="sea", encoders={"note": Words(components=4)}), frame)


def _text(topic: str, rng: np.random.Generator) -> str:
    own, common = TOPICS[topic].split(), COMMON.split()
    words = [str(rng.choice(own if rng.random() < 0.5 else common)) for _ in range(rng.integers(6, 26))]
    return " ".join(words).capitalize() + str(rng.choice([".", "!", " 1984."]))
