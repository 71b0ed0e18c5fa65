"""Series of slices become volumes whose voxels lie where the headers say."""
