"""The plan of a backup, and its manifests."""
