"""Labelled pictures and volumes for training and evaluation: found, split by patient, decoded and prepared."""
