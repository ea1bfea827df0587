"""The version of the package, read by the build, the tape's hello and the resource."""

__version__ = "0.1.0"
