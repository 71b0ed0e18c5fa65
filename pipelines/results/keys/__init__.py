"""What a key store is made of: key files, recipients, wrapping keys, tables of wrapped data keys, marks of erasure."""
