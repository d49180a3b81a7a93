"""The running half: loads the generated programs, attaches them, reads what they write, lets go of them."""
