"""What all HTML pages of the project share: how their templates are read, and the frame around them."""
