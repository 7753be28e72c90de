"""Judge: simulated releases, judged by this project's judge and by what others use."""
