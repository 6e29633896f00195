"""The steps of a generation and the controller that runs them in order; no scores, regions or gates."""
