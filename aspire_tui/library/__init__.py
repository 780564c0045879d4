"""The skill library: format, loading, matching, splicing. Skills are data and never run here."""
