"""What is measured of drawings and models."""
