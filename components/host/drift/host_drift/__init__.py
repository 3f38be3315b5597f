"""What of a host is not as Berth made it; npm run drift runs it there (scripts/lib/drift)."""
