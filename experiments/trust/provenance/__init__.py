"""Where each row, table and model comes from, told to people and machines; nothing is made or deleted here."""
