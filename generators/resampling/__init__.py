"""Generators that copy or mix real rows, SMOTE and its variants included; nothing that fits a density."""
