//! Events of a stream that comes in pieces of any size, told apart.

use super::halves::Halves;
use super::seam::Framing;
use std::borrow::Cow;

/// The longest event that is read.
const LONGEST: usize = 4 << 20;

/// Tells events apart.
#[derive(Debug)]
pub(super) struct Splitter {
    framing: Framing,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    /// Whether the rest of an overlong line is being skipped.
    skipping: bool,
    name: String,
    data: String,
    /// Whether the event has a line of data.
    has_data: bool,
    /// Whether what came of the event is too long to be read, and whether that has been told.
    overlong: bool,
    told: bool,
    halves: Halves,
}

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// An event: its name and its data.
    Event(String, String),
    /// One that is too long to be read.
    Overlong,
}

impl Splitter {
    pub(super) fn new(framing: Framing) -> Self {
        Self {
            framing,
            partial: Vec::new(),
            skipping: false,
            name: String::new(),
            data: String::new(),
            has_data: false,
            overlong: false,
            told: false,
            halves: Halves::default(),
        }
    }

    /// Takes the next piece; gives the events that it completes.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<Split> {
        let mut out = Vec::new();
        for split in self.split(piece) {
            self.halves.push(split, &mut out);
        }
        out
    }

    fn split(&mut self, piece: &[u8]) -> Vec<Split> {
        let mut out = Vec::new();
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            let long = self.partial.len() + line.len() > LONGEST;
            if std::mem::take(&mut self.skipping) || long {
                self.partial = Vec::new();
                out.extend(self.overlong());
            } else if self.partial.is_empty() {
                out.extend(self.line(line));
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                out.extend(self.line(&whole));
            }
            rest = after.get(1..).unwrap_or_default();
        }
        if !self.skipping {
            if self.partial.len() + rest.len() > LONGEST {
                self.partial = Vec::new();
                self.skipping = true;
                if !std::mem::replace(&mut self.told, true) {
                    out.push(Split::Overlong);
                }
            } else {
                self.partial.extend_from_slice(rest);
            }
        }
        out
    }

    /// The stream is closed: a last line may lack its end.
    pub(super) fn finish(&mut self) -> Vec<Split> {
        let last = std::mem::take(&mut self.partial);
        let mut rest: Vec<Split> = match std::mem::take(&mut self.skipping) {
            true => self.overlong().into_iter().collect(),
            false => self.line(&last).into_iter().collect(),
        };
        if self.framing == Framing::Events {
            rest.extend(self.line(b""));
        }
        let mut out = Vec::new();
        for split in rest {
            self.halves.push(split, &mut out);
        }
        self.halves.finish(&mut out);
        out
    }

    /// The end of a line that is too long has come.
    fn overlong(&mut self) -> Option<Split> {
        match self.framing {
            Framing::Lines => (!std::mem::take(&mut self.told)).then_some(Split::Overlong),
            Framing::Events => {
                self.overlong = true;
                None
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Option<Split> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.framing {
            Framing::Lines if line.trim_ascii().is_empty() => None,
            Framing::Lines => Some(Split::Event(String::new(), text(line).trim().to_owned())),
            Framing::Events if line.is_empty() => self.dispatch(),
            Framing::Events => {
                self.field(&text(line));
                None
            }
        }
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.name),
            "data" if self.data.len() + value.len() > LONGEST => {
                self.overlong = true;
            }
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // Comments, ids, and times to wait say nothing here.
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Split> {
        let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
        let has_data = std::mem::take(&mut self.has_data);
        if std::mem::take(&mut self.overlong) {
            return (!std::mem::take(&mut self.told)).then_some(Split::Overlong);
        }
        has_data.then(|| Split::Event(name, data.trim().to_owned()))
    }
}

/// A line as text. What is no UTF-8 becomes U+FFFD, as WHATWG HTML §9.2.5 has it: of the words
/// around it nothing is lost.
fn text(line: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(framing: Framing, stream: &[u8], size: usize) -> Vec<Split> {
        let mut splitter = Splitter::new(framing);
        let mut out: Vec<Split> = stream.chunks(size).flat_map(|p| splitter.push(p)).collect();
        out.extend(splitter.finish());
        out
    }

    fn event(name: &str, data: &str) -> Split {
        Split::Event(name.to_owned(), data.to_owned())
    }

    #[test]
    fn events_are_the_same_however_the_stream_is_cut() {
        let before = ": hello\n\nevent: a\r\ndata: {\"x\":\r\ndata: 1}\r\n\r\ndata:é\n\ndata: ";
        let mut stream = before.as_bytes().to_vec();
        // One byte that is no UTF-8.
        stream.extend_from_slice(b"\xff\n\nid: 7\n\ndata: last");
        let expected =
            [event("a", "{\"x\":\n1}"), event("", "é"), event("", "\u{fffd}"), event("", "last")];
        for size in 1..=stream.len() {
            assert_eq!(split(Framing::Events, &stream, size), expected, "{size}");
        }
    }

    #[test]
    fn lines_are_documents() {
        let expected = [event("", "{\"a\":1}"), event("", "{}")];
        assert_eq!(split(Framing::Lines, b"{\"a\":1}\r\n\n{}", 3), expected);
    }

    #[test]
    fn an_endless_line_is_bounded() {
        let mut splitter = Splitter::new(Framing::Events);
        let mut told = Vec::new();
        for _ in 0..100 {
            told.extend(splitter.push(&vec![b'x'; 100_000]));
            assert!(splitter.partial.len() <= LONGEST);
        }
        assert_eq!(told, [Split::Overlong], "it is told without its end");
        assert_eq!(splitter.push(b"\n\ndata: y\n\n"), [event("", "y")]);
    }

    #[test]
    fn an_overlong_event_is_told_apart_from_noise_in_every_framing() {
        let long = "x".repeat(LONGEST / 2 + 1);
        let lines = format!("data: {long}\ndata: {long}\n\ndata: y\n\n");
        let expected = [Split::Overlong, event("", "y")];
        assert!(split(Framing::Events, lines.as_bytes(), 1 << 16) == expected);
        let line = format!("{long}{long}\ny\n");
        for size in [1 << 16, line.len()] {
            assert!(split(Framing::Lines, line.as_bytes(), size) == expected, "{size}");
        }
        let cut = format!("y\n{long}{long}");
        let expected = [event("", "y"), Split::Overlong];
        assert!(split(Framing::Lines, cut.as_bytes(), 1 << 16) == expected);
    }
}
