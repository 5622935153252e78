"""Copies of backups in an object store, read by the program `restic` without a cluster."""
