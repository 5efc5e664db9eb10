//! The bytes of a secret on their way in: whatever held them is wiped.

use crate::base::Secret;
use crate::report::Unanswered;
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use std::io;
use std::mem;
use std::os::fd::AsFd;
use zeroize::Zeroizing;

/// Room for a line of a terminal.
const ROOM: usize = 4096;

/// What was read so far.
#[derive(Default)]
pub(super) struct Incoming(Zeroizing<Vec<u8>>);

impl Incoming {
    /// Reads once, past every buffer of the library: nobody would wipe that. How much came; nothing
    /// at the end.
    ///
    /// # Errors
    /// What the system says, but for interruptions.
    pub(super) fn read(&mut self, from: impl AsFd) -> io::Result<usize> {
        if self.0.len() == self.0.capacity() {
            // A vector that grows leaves what it held where it was.
            let room = self.0.capacity().saturating_mul(2).max(ROOM);
            let mut wider = Zeroizing::new(Vec::with_capacity(room));
            wider.extend_from_slice(&self.0);
            self.0 = wider;
        }
        loop {
            match rustix::io::read(&from, spare_capacity(&mut self.0)) {
                Err(Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Wipes everything that was read.
    pub(super) fn clear(&mut self) {
        self.0 = Zeroizing::default();
    }

    /// The one line that it is, without its end.
    ///
    /// # Errors
    /// It is no UTF-8, or more than one line.
    pub(super) fn into_secret(mut self) -> Result<Secret, Unanswered> {
        let text = String::from_utf8(mem::take(&mut *self.0)).map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            Unanswered::NotText
        })?;
        let value = Secret::from_line(text);
        // Half a value is none.
        if value.expose().contains('\n') { Err(Unanswered::ManyLines) } else { Ok(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn of(bytes: &[u8]) -> Incoming {
        let (mut there, here) = std::os::unix::net::UnixStream::pair().unwrap();
        let sent = bytes.to_vec();
        let writer = std::thread::spawn(move || there.write_all(&sent).unwrap());
        let mut incoming = Incoming::default();
        while incoming.read(&here).unwrap() > 0 {}
        writer.join().unwrap();
        incoming
    }

    #[test]
    fn everything_arrives_however_long_it_is() {
        let long = "k".repeat(ROOM * 5 + 3);
        assert_eq!(of(long.as_bytes()).into_secret().unwrap().expose(), long);
    }

    #[test]
    fn one_line_of_text_is_a_value() {
        assert_eq!(of(b"a b\n").into_secret().unwrap().expose(), "a b");
        assert_eq!(of(b"a\nb").into_secret().unwrap_err(), Unanswered::ManyLines);
        assert_eq!(of(b"a\xff\n").into_secret().unwrap_err(), Unanswered::NotText);
    }
}
