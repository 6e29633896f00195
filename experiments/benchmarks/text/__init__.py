"""The benchmark of texts: its corpus, its arms, and a server on this machine that stands for a language model's."""
