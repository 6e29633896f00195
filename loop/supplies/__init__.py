"""Sources of new rows: what a supply is, how its proposals are chosen and labelled. The cycle is not here."""
