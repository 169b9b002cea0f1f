"""Conversations in the database: in once, out to one agent at a time."""

