"""OpenID Connect: bearer tokens of any issuer, and the page's sign-in by authorization code with PKCE."""
