"""Whether a laptop and an AWS account have what the workflow needs, said in sentences."""
