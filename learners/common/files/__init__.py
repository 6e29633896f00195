"""Model files of other libraries, each checked before its library reads it; no learner among them."""
