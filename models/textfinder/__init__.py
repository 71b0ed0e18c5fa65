"""Finds text that is burned into pixels: a small network, trained on made-up text over real and drawn backgrounds."""
