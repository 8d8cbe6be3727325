"""`python -m lrensemble`, the same as the command `lrensemble`."""

from lrensemble.cli import main

main()
