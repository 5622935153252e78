"""Running actions on a live cluster, following them, and saying what state the cluster is in."""
