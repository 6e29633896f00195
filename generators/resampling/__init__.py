"""Generators that copy or mix real rows, SMOTE and kin included; nothing that fits a density."""
