"""The command `weakspot`: arguments, output, exit codes and rows on demand; all other work is done elsewhere."""
