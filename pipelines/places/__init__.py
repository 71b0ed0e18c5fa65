"""Where inputs lie that are no plain files: members of archives, object stores, any fsspec URL."""
