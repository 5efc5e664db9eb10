//! What each subcommand does: from a request and the workspace to a report. No clap, no printing.
