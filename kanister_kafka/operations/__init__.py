"""Running actions on a live cluster, following them, and assessing the state of the cluster."""
