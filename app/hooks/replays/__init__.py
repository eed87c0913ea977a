"""Delivering again what is kept: what was asked for, how far it is, and who works on it."""
