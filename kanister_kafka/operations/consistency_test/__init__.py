"""Whether backups are consistent, shown on a source and its mirror: scenarios with measures."""
