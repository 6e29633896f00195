"""Measurements that the documentation quotes, each a command; nothing that a user's run needs."""
