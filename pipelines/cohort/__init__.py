"""What there is to screen: inputs, stable ids, the frozen plan."""
