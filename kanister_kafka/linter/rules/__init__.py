"""The rules of the linter: a function each, registered under its id."""
