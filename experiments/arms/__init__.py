"""The alternatives a loop is compared with, their scores and statistics; no files are written here."""
