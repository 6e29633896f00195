"""The benchmark against packages that buy labels or check them, each in an environment of its own."""
