"""Report: one release for whoever was not there: a page, a document and five lines of Markdown."""
