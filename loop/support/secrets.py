"""Passwords in addresses, hidden wherever an address is shown."""

import re

HIDDEN = "***"
_PARTS = (
    # A query before the last @, or a password that looks like one: nobody can tell where it ends.
    (re.compile(r"(\w[\w+.\-]*://)[^\s'\"]*[?&][^\s'\"=]+=[^\s'\"]*@[^\s'\"]*"), rf"\1{HIDDEN}"),
    # After the scheme, all up to the last @ of the word: passwords may hold / and @ and : themselves.
    (re.compile(r"(\w[\w+.\-]*://)[^\s'\"]*@"), rf"\1{HIDDEN}@"),
    # The same without a scheme, as in user:password@host.
    (re.compile(r"(?<![\w/*])[^\s'\":/@]+:(?!//)[^\s'\"]+@(?=[\w\[])"), f"{HIDDEN}@"),
    # Values of a query: ?password=...&sslkey=...
    (re.compile(r"([?&][^\s'\"=&?]+)=[^\s'\"&]*"), rf"\1={HIDDEN}"),
)


def masked(text: str) -> str:
    """Return text with user names, passwords and query values of all addresses in it hidden."""
    for pattern, shown in _PARTS:
        text = pattern.sub(shown, text)
    return text
