"""A delivered model in formats that are served without weakspot; each is a folder with the model and its encoding."""
