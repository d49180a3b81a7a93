"""Which probes exist, how they are numbered, and what they give a clause. One module a provider."""
