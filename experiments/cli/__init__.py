"""The command `weakspot`: arguments, output and exit codes; the work itself is done elsewhere."""
