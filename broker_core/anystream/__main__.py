"""`python -m anystream` is the command `anystream`."""

from anystream.cli import main

if __name__ == "__main__":
    main()
