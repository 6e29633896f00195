"""Errors for what a user can put right: one sentence with the rule, the value and the way out."""


class WeakspotError(Exception):
    """Something the user can put right. The command line prints it and exits with code 2."""


class DataError(WeakspotError, ValueError):
    """The data break a rule: a missing target, duplicate column names, infinities."""


class ConfigError(WeakspotError, ValueError):
    """The configuration breaks a rule: an unknown key, a value out of range, a part that does not exist."""


class ConditionError(WeakspotError, ValueError):
    """A generator cannot condition in the way it was asked to."""


class TrackingError(WeakspotError, RuntimeError):
    """A tracking server or its disk did not take the records; they were kept locally."""
