"""What an operator sees of the service: metrics, traces, logs, a dashboard and alerts; nothing of a patient."""
