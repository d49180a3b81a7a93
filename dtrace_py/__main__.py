"""``python -m dtrace_py`` is the command ``dtpy``."""

from dtrace_py.cli import main

main()
