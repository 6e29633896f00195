"""Labels of given rows by the votes of statements, as of labelling functions."""
