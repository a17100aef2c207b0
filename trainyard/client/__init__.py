"""What people's programs call: runs, models, artifacts and endpoints of a deployment, through boto3 alone."""
