"""The command as a KRM function: a ResourceList in, the same with Blueprints out.

The list, the exit code and `results` are as the configuration functions specification has them
(kubernetes-sigs/kustomize, cmd/config/docs/api-conventions/functions-spec.md).
"""
