"""A whole backup cycle on a live cluster, measured, with nothing left behind."""
