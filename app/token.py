"""Makes a token: `python -m app.token`. Prints the token, for whoever uses it, and its hash, for the access file."""

from __future__ import annotations

import sys

from app.ingress.access import tokens


def main() -> None:
    token = tokens.generate()
    sys.stdout.write(f"token:  {token}\nsha256: {tokens.digest(token.encode()).hex()}\n")


if __name__ == "__main__":
    main()
