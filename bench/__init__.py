"""What is fast, measured, beside a yardstick in the same run. Nothing here is asserted in a test."""
