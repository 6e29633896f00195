"""The generator of rule books: reading, checking and drawing rows; nothing is learnt from labels."""
