"""Kinds of objects that Kanister has parameters of their own for."""

OBJECT_KINDS = ("StatefulSet", "Deployment", "DeploymentConfig", "PVC", "Namespace")
"""Parameters that are there for an object of one kind only, and nil for any other."""
