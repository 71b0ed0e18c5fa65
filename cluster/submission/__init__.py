"""Hands a command line to a cluster, and follows it there: by Ray's Jobs API, or as a RayJob of KubeRay."""
