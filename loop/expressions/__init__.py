"""The language of conditions and formulas: parser, tree and translation to regions; no Python is run."""
