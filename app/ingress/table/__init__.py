"""The table of what is served, and what is made of it: routes and the OpenAPI document."""
