"""How things look: DTrace's own layouts (contract 8.3 and 9), byte for byte. Text is Latin-1: a character is a byte."""
