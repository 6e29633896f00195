"""Pictures of rows that are no table: a file for each kind of array; nothing is fitted here."""
