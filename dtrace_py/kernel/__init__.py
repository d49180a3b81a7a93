"""What the running kernel is and has: read once, and handed to the rest as plain facts."""
