//! A terminal on which prompts leave the cursor alone.
//!
//! They hide it while a choice is open and show it afterwards. Control-C ends the process in between,
//! and the cursor of the shell would stay hidden.

use dialoguer::console::Term;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};

/// What hides the cursor on a terminal (DECTCEM).
const HIDE: &[u8] = b"\x1b[?25l";

/// Standard error, on which no cursor is hidden.
pub(super) fn term() -> Term {
    Term::read_write_pair(io::stdin(), Visible(io::stderr()))
}

/// A writer that lets nothing through that only hides the cursor.
#[derive(Debug)]
struct Visible<W>(W);

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // It is written by itself, in one piece.
        if bytes == HIDE { Ok(bytes.len()) } else { self.0.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: AsRawFd> AsRawFd for Visible<W> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
