"""From admitted pixels to what a network reads."""
