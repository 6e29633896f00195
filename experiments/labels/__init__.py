"""Files that carry questions about rows to people and answers back; no choice of rows, no learning from answers."""
