//! What of a provider's stream is not for the client: the event with the counts that were asked for
//! in its place, and an event that cannot be read.
//!
//! Events pass as they come, byte for byte, or are left out whole, with their names. The data of one
//! may be on several lines (WHATWG HTML §9.2.6).

use super::stream_usage::is_usage;
use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr_iter};
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// Leaves out what is not for the client of a stream that passes by.
#[derive(Debug)]
pub(crate) struct EventFilter {
    /// Whether the client did not ask for the counts.
    without_usage: bool,
    malformed: u32,
}

impl EventFilter {
    /// A filter; `without_usage` if the counts are not for the client.
    pub(crate) fn new(without_usage: bool) -> Self {
        Self { without_usage, malformed: 0 }
    }

    /// How many events were left out because they cannot be read.
    pub(crate) fn malformed(&self) -> u32 {
        self.malformed
    }

    /// What is left of the next piece, which is made of whole events.
    pub(crate) fn pass(&mut self, piece: Bytes) -> Bytes {
        // Copied only from the first event on that does not pass.
        let mut out: Option<BytesMut> = None;
        let mut at = 0;
        while let Some(rest) = piece.get(at..).filter(|rest| !rest.is_empty()) {
            let event = rest.get(..end_of_event(rest)).unwrap_or(rest);
            match (self.is_for_client(event), &mut out) {
                (true, None) => {}
                (true, Some(out)) => out.extend_from_slice(event),
                (false, Some(_)) => {}
                (false, None) => {
                    let mut copy = BytesMut::with_capacity(piece.len());
                    copy.extend_from_slice(piece.get(..at).unwrap_or_default());
                    out = Some(copy);
                }
            }
            at += event.len();
        }
        out.map_or(piece, BytesMut::freeze)
    }

    fn is_for_client(&mut self, event: &[u8]) -> bool {
        let joined = data(event);
        let data = joined.trim_ascii();
        if data.is_empty() || data == b"[DONE]" {
            return true;
        }
        if self.without_usage && is_usage(data) {
            return false;
        }
        let readable = serde_json::from_slice::<IgnoredAny>(data).is_ok();
        self.malformed += u32::from(!readable);
        readable
    }
}

/// Where the first event ends: after its blank line, or where the stream does.
fn end_of_event(stream: &[u8]) -> usize {
    let mut line = 0;
    for newline in memchr_iter(b'\n', stream) {
        if matches!(stream.get(line..newline), Some(b"" | b"\r")) {
            return newline + 1;
        }
        line = newline + 1;
    }
    stream.len()
}

/// The data of an event.
fn data(event: &[u8]) -> Cow<'_, [u8]> {
    let mut data: Option<Cow<'_, [u8]>> = None;
    let mut rest = event;
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        let Some(value) = line.strip_prefix(b"data:") else { continue };
        match &mut data {
            None => data = Some(Cow::Borrowed(value)),
            Some(data) => {
                let data = data.to_mut();
                data.push(b'\n');
                data.extend_from_slice(value);
            }
        }
    }
    data.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEPT: [&str; 6] = [
        ": comment\n\n",
        "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":{}\"}}],\"usage\":null}\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}\n\n",
        "data: {\"choices\":[],\"usage\":null}\n\n",
        "data: [DONE]\n\n",
    ];

    /// Events of a stream, one after the other.
    fn each(stream: &str, filter: &mut EventFilter) -> String {
        let mut out = Vec::new();
        let mut rest = stream.as_bytes();
        while !rest.is_empty() {
            let (event, after) = rest.split_at(end_of_event(rest));
            out.extend_from_slice(&filter.pass(Bytes::copy_from_slice(event)));
            rest = after;
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_event_with_the_counts_is_taken_out_and_nothing_else() {
        for counts in [
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n",
            "data:{\"usage\" : {\"prompt_tokens\":1}, \"choices\": [ ] }\r\n\r\n",
            "data: {\"choices\":null,\"usage\":{}}\n\n",
            "data: {\"id\":\"x\",\"usage\":{}}\n\n",
            "event: x\ndata: {\"choices\":[],\ndata: \"usage\":{}}\nid: 1\n\n",
            "data: {\"choices\":[],\r\ndata:\"usage\":{}\r\ndata: }\r\n\r\n",
        ] {
            let all = KEPT.concat();
            for at in 0..=KEPT.len() {
                let (before, after) = KEPT.split_at(at);
                let stream = [before.concat().as_str(), counts, after.concat().as_str()].concat();
                assert_eq!(each(&stream, &mut EventFilter::new(true)), all, "{counts}");
                let whole = EventFilter::new(true).pass(Bytes::from(stream));
                assert_eq!(whole, all.as_bytes());
            }
        }
    }

    #[test]
    fn an_event_that_cannot_be_read_is_left_out_whole() {
        for broken in [
            "data: {\"choices\":[{\"del\n\n",
            "data: <p>oops</p>\r\n\r\n",
            "data: {\"a\":1}}\n\n",
            "data: {x\nid: 5\n\n",
            "data: {\ndata: x\n\n",
        ] {
            for at in 0..=KEPT.len() {
                let (before, after) = KEPT.split_at(at);
                let stream = [before.concat().as_str(), broken, after.concat().as_str()].concat();
                let mut filter = EventFilter::new(false);
                assert_eq!(each(&stream, &mut filter), KEPT.concat(), "{broken}");
                assert_eq!(filter.malformed(), 1);
                let whole = EventFilter::new(false).pass(Bytes::from(stream));
                assert_eq!(whole, KEPT.concat().as_bytes());
            }
        }
        let named = "event: a\ndata: {broken\n\nevent: b\ndata: {}\n\n";
        let left = each(named, &mut EventFilter::new(false));
        assert_eq!(left, "event: b\ndata: {}\n\n");
    }

    #[test]
    fn an_event_of_several_lines_passes_as_it_is() {
        let several = "data: {\ndata:   \"a\": 1\ndata: }\n\ndata: {\"a\":1}\n\n";
        assert_eq!(each(several, &mut EventFilter::new(true)), several);
        assert_eq!(EventFilter::new(true).pass(Bytes::from(several)), several.as_bytes());
    }

    #[test]
    fn a_stream_that_ends_in_a_line_that_cannot_be_read_ends_before_it() {
        assert_eq!(each("data: {}\n\ndata: {\"a\n", &mut EventFilter::new(false)), "data: {}\n\n");
    }

    proptest! {
        /// However events are put together, the same comes out, and what is JSON comes out whole.
        #[test]
        fn pieces_do_not_matter(
            lines in prop::collection::vec(
                prop::sample::select(vec![
                    "data: {\"a\":1}\n\n", ": c\n\n", "data: {\n\n", "event: e\n", "data: [DONE]\n\n",
                    "data: {\"choices\":[],\"usage\":{}}\n\n", "data: 1\n", "\n", "data: {\r\n", "\r\n",
                ]),
                0..20,
            ),
        ) {
            let stream = lines.concat();
            let whole = EventFilter::new(true).pass(Bytes::from(stream.clone()));
            let singly = each(&stream, &mut EventFilter::new(true));
            prop_assert_eq!(&whole[..], singly.as_bytes());
        }
    }
}
