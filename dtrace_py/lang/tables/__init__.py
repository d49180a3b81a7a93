"""The names that D has built in, each table in its own file: variables, subroutines, actions, aggregating functions, tags."""
