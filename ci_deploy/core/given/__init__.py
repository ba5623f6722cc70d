"""What people give: inputs, manifest, AppSpec, code, and the context of the job."""
