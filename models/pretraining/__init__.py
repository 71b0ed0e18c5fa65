"""Self-supervised pre-training: a body that has seen many images before it is told what they show."""
