"""REMEMBERS. The only SQL: tables, store, migrations. No decision and no effect is made here."""
