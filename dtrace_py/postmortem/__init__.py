"""After death: what a tracing leaves in kernel memory for later, and how it is found and printed from a memory dump."""
