"""What all of the local SageMaker builds on (requests, answers, permissions), and the ways into the service."""
