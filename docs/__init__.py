"""The documentation; the package holds its page on checks, which `explain` prints."""
