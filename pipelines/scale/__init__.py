"""What a job will take before it runs: costs that were measured, a reckoning, and a simulation of the cluster."""
