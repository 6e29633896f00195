"""The page of a run, its words and figures, made from saved records; nothing is fitted here."""
