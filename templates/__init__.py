"""Jinja templates and shell scripts, shipped with the package."""
