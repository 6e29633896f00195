"""The rule-book generator: reading and checking books, drawing rows; nothing that other families use."""
