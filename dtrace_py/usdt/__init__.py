"""What programs are built with that have probes of their own: headers (-h) and objects (-G)."""
