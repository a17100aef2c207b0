"""Container images without a container engine: built from Dockerfiles as snapshots of files, found again by jobs."""
