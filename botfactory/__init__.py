"""Project glue and the foundation that every app stands on."""
