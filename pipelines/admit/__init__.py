"""What may be screened: sniff, decode, scope, compliance, de-identification."""
