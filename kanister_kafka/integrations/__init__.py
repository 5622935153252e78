"""Other tools that call this one: Kustomize, Helm, fleets of clusters; and the preview."""
