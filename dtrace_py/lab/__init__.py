"""A throw-away guest with a real Debian kernel: fetch it, boot it, run a command there, bring its status home."""
