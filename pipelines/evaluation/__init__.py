"""What an evaluation looks like: pictures and one page."""
