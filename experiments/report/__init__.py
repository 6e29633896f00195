"""Progress, report, page and figures of a run; nothing is fitted here."""
