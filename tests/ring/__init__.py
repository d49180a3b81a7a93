"""Evidence for bpf/ring.h: a model of it, checked in every order of its steps, and the header itself under stress."""
