"""Account: the questions that only an account can answer. See docs/first-account.md."""
