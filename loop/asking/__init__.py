"""Asking people for labels: which rows, who answers, and which given labels to check. Training is not here."""
