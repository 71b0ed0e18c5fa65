"""Ray Serve around the plain classes: a deployment a model, a front, and the process that closes rolling jobs."""
