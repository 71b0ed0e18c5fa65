"""Compares networks of the zoo: the same data, the same trials, the same passes, the same tricks, several seeds."""
