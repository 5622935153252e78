"""The documentation; `explain` prints a section of the page on checks, `docs` each page."""
