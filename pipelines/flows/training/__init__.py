"""Training on Ray Train: where its state is kept, what a worker does, how a driver follows it."""
