"""Private generation measured: utility at stated budgets, an audit of them, and what it costs small groups."""
