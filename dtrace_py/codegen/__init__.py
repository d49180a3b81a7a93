"""From a typed program and the probes it enables to the eBPF C that bcc compiles. Pure: it asks the kernel nothing."""
