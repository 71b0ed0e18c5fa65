"""The values of the Helm chart: models that write its schema, its defaults and its README."""
