"""S3: AppSpec revisions, code packages, and the settings of buckets."""
