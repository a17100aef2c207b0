"""One module per page: reads what it shows through `trainyard.client` and renders a template."""
