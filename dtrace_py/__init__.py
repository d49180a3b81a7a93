"""dtpy: DTrace for Linux. D programs, compiled to eBPF C and loaded through bcc."""

__version__ = "0.1.0"
