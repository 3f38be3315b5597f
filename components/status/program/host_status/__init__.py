"""What runs on a host and how it is, and what of it needs attention. It changes nothing, and shows no secret."""
