"""Proofs of single records: made from an out folder, checked by anyone, on a page in a browser too."""
