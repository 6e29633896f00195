"""Asking people for labels: which rows to ask about, who answers, and which given labels to check.

Training is not here.
"""
