"""A web page that generates images while the user types."""
