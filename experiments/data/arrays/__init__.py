"""Readers and writers of what is no table: a file for each kind of array or form of storage; nothing is fitted."""
