"""Training: augmentation, the loop, export to ONNX, writing a package."""
