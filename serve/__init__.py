"""The online side: the Ray Serve app, its schemas, its access control, the worklist page."""
