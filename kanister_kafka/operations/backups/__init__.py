"""Backups that Kanister alone has made: found by their own labels, deleted, and kept by rules."""
