"""What must hold of any program: it loads if it type-checks, and its expressions come to what D says they come to."""
