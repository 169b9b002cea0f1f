"""RUNS. Prefect flows and tasks, and the loop they share. No decision is taken here."""
