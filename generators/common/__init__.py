"""What generators of several families share; no generator of the catalogue lives here."""
