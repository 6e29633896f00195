"""The benchmark of fairness: planted groups, and groups of people whose rows are few; nothing that a run needs."""
