"""Whether backups are consistent, shown on a source and its mirror: three plans with measures."""
