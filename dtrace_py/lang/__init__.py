"""The D language: text in, a typed program out. Nothing here knows the running kernel but by the facts it is handed."""
