"""The live cluster; the only package that imports the kubernetes client."""
