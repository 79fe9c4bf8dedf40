"""`python -m asap`: the command line."""

from asap.cli import main

main()
