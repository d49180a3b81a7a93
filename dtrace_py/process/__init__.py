"""Processes: those that -c and -p name, and what an address in any of them is called."""
