"""Tells people what needs attention on a host, once when it begins and once when it is over."""
