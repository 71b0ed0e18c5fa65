"""Lets `python -m sievert` do what the `sievert` command does."""

from sievert.cli.main import main

if __name__ == "__main__":
    main()
