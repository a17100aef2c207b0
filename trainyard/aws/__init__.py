"""What the command line asks of AWS, or of the local cloud, through boto3 alone."""
