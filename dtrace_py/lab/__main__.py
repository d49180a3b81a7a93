"""``python -m dtrace_py.lab`` is the command ``dtpy-lab``."""

from dtrace_py.lab.cli import main

main(prog_name="dtpy-lab")
