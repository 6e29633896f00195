"""The command ``weakspot generate``: what is asked for, fitting where it must, and handing the rows over."""
