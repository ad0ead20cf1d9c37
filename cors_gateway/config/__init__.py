"""From a YAML text to a snapshot: document, settings, snapshot, and every mistake on the way."""
