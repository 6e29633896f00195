"""What an audit can come to."""

LEAKS, NONE_SEEN, UNKNOWN = "leaks", "none seen", "unknown"
