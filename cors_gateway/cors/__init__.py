"""The Fetch standard's CORS protocol: origins, patterns, policy, decision. No I/O and no clock."""
