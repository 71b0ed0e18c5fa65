"""Everything that is a function of tensors: recipes, packages, networks, training, metrics, explanation."""
