"""The benchmark against AutoGluon, which runs in an environment of its own and is no dependency of this project."""
