//! What of a provider's stream is not for the client: the event with the counts that were asked for
//! in its place, and an event that cannot be read.
//!
//! Lines pass as they come, byte for byte. Only a `data:` line that is no JSON waits for the next
//! line, which tells whether the event was that line alone: one that goes on over several lines
//! (WHATWG HTML §9.2.6) is not judged. An event that is left out goes with the blank line that ends
//! it; the name that stands before it is overwritten by that of the next event.

use super::stream_usage::is_usage;
use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;

/// Leaves out what is not for the client of a stream that passes by.
#[derive(Debug)]
pub(crate) struct EventFilter {
    /// Whether the client did not ask for the counts.
    without_usage: bool,
    /// Whether what came last ended within a line.
    within: bool,
    /// Whether the line that came last was left out: the blank line that ends its event goes with
    /// it.
    taken: bool,
    /// A line that is no JSON, until it is clear whether it is an event.
    suspect: Bytes,
    /// Whether the event has a line of data already.
    has_data: bool,
    malformed: u32,
}

/// What becomes of a line.
enum Verdict {
    Pass,
    LeaveOut,
    /// It waits for the next one.
    Wait,
    /// It passes after the one that waited.
    PassBoth,
}

impl EventFilter {
    /// A filter; `without_usage` if the counts are not for the client.
    pub(crate) fn new(without_usage: bool) -> Self {
        Self {
            without_usage,
            within: false,
            taken: false,
            suspect: Bytes::new(),
            has_data: false,
            malformed: 0,
        }
    }

    /// How many events were left out because they cannot be read.
    pub(crate) fn malformed(&self) -> u32 {
        self.malformed
    }

    /// What is left of the next piece, which is made of whole lines but where one is too long.
    pub(crate) fn pass(&mut self, piece: Bytes) -> Bytes {
        // Copied only from the first line on that does not pass as it is.
        let mut out: Option<BytesMut> = None;
        let mut at = 0;
        for line in piece.split_inclusive(|b| *b == b'\n') {
            let waiting = std::mem::take(&mut self.suspect);
            let verdict = self.judge(line, !waiting.is_empty());
            if !matches!(verdict, Verdict::Pass) && out.is_none() {
                let mut copy = BytesMut::with_capacity(piece.len() + waiting.len());
                copy.extend_from_slice(piece.get(..at).unwrap_or_default());
                out = Some(copy);
            }
            at += line.len();
            match verdict {
                Verdict::Wait => self.suspect = piece.slice_ref(line),
                Verdict::LeaveOut => {}
                Verdict::PassBoth => {
                    if let Some(out) = &mut out {
                        out.extend_from_slice(&waiting);
                        out.extend_from_slice(line);
                    }
                }
                Verdict::Pass => {
                    if let Some(out) = &mut out {
                        out.extend_from_slice(line);
                    }
                }
            }
        }
        out.map_or(piece, BytesMut::freeze)
    }

    fn judge(&mut self, line: &[u8], waiting: bool) -> Verdict {
        if std::mem::replace(&mut self.within, !line.ends_with(b"\n")) {
            return Verdict::Pass;
        }
        let taken = std::mem::take(&mut self.taken);
        if line.trim_ascii().is_empty() {
            self.has_data = false;
            self.malformed += u32::from(waiting);
            return if taken || waiting { Verdict::LeaveOut } else { Verdict::Pass };
        }
        if waiting {
            return Verdict::PassBoth;
        }
        let Some(data) = line.strip_prefix(b"data:").map(<[u8]>::trim_ascii) else {
            return Verdict::Pass;
        };
        if std::mem::replace(&mut self.has_data, true) || self.within {
            return Verdict::Pass;
        }
        if self.without_usage && is_usage(data) {
            self.taken = true;
            return Verdict::LeaveOut;
        }
        let readable = data.is_empty()
            || data == b"[DONE]"
            || serde_json::from_slice::<IgnoredAny>(data).is_ok();
        if readable { Verdict::Pass } else { Verdict::Wait }
    }
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

    fn lines(stream: &str, filter: &mut EventFilter) -> String {
        let mut out = Vec::new();
        for line in stream.split_inclusive('\n') {
            out.extend_from_slice(&filter.pass(Bytes::copy_from_slice(line.as_bytes())));
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
        ] {
            let all = KEPT.concat();
            for at in 0..=KEPT.len() {
                let (before, after) = KEPT.split_at(at);
                let stream = [before.concat().as_str(), counts, after.concat().as_str()].concat();
                assert_eq!(lines(&stream, &mut EventFilter::new(true)), all, "{counts}");
                let whole = EventFilter::new(true).pass(Bytes::from(stream));
                assert_eq!(whole, all.as_bytes());
            }
        }
    }

    #[test]
    fn the_rest_of_an_overlong_line_is_no_event() {
        let mut filter = EventFilter::new(true);
        let begun = Bytes::from_static(b"data: {\"choices\":[{\"x\":\"\\n");
        assert_eq!(filter.pass(begun.clone()), begun);
        let rest = Bytes::from_static(b"data: {\"choices\":[],\"usage\":{}}\n");
        assert_eq!(filter.pass(rest.clone()), rest);
        assert_eq!(filter.pass(Bytes::from_static(b"\n")), "\n");
        assert_eq!(filter.pass(rest), "");
    }

    #[test]
    fn an_event_that_cannot_be_read_is_left_out_whole() {
        for broken in
            ["data: {\"choices\":[{\"del\n\n", "data: <p>oops</p>\r\n\r\n", "data: {\"a\":1}}\n\n"]
        {
            for at in 0..=KEPT.len() {
                let (before, after) = KEPT.split_at(at);
                let stream = [before.concat().as_str(), broken, after.concat().as_str()].concat();
                let mut filter = EventFilter::new(false);
                assert_eq!(lines(&stream, &mut filter), KEPT.concat(), "{broken}");
                assert_eq!(filter.malformed(), 1);
                let whole = EventFilter::new(false).pass(Bytes::from(stream));
                assert_eq!(whole, KEPT.concat().as_bytes());
            }
        }
        let named = "event: a\ndata: {broken\n\nevent: b\ndata: {}\n\n";
        let left = lines(named, &mut EventFilter::new(false));
        assert_eq!(left, "event: a\nevent: b\ndata: {}\n\n");
    }

    #[test]
    fn an_event_of_several_lines_passes_as_it_is() {
        let several = "data: {\ndata:   \"a\": 1\ndata: }\n\ndata: {\"a\":1}\n\n";
        assert_eq!(lines(several, &mut EventFilter::new(true)), several);
        assert_eq!(EventFilter::new(true).pass(Bytes::from(several)), several.as_bytes());
        let with_more = "data: {x\nid: 5\n\ndata: {}\n\n";
        assert_eq!(lines(with_more, &mut EventFilter::new(true)), with_more);
    }

    #[test]
    fn a_stream_that_ends_in_a_line_that_cannot_be_read_ends_before_it() {
        assert_eq!(lines("data: {}\n\ndata: {\"a\n", &mut EventFilter::new(false)), "data: {}\n\n");
    }

    proptest! {
        /// However lines are put together, the same comes out, and what is JSON comes out whole.
        #[test]
        fn pieces_do_not_matter(
            events in prop::collection::vec(
                prop::sample::select(vec![
                    "data: {\"a\":1}\n\n", ": c\n\n", "data: {\n\n", "event: e\n", "data: [DONE]\n\n",
                    "data: {\"choices\":[],\"usage\":{}}\n\n", "data: 1\n", "\n", "data: {\r\n", "\r\n",
                ]),
                0..20,
            ),
            cuts in prop::collection::vec(any::<bool>(), 60),
        ) {
            let stream = events.concat();
            let whole = EventFilter::new(true).pass(Bytes::from(stream.clone()));
            let mut filter = EventFilter::new(true);
            let (mut out, mut piece) = (Vec::new(), String::new());
            for (line, cut) in stream.split_inclusive('\n').zip(cuts.iter().chain(std::iter::repeat(&true))) {
                piece.push_str(line);
                if *cut {
                    out.extend_from_slice(&filter.pass(Bytes::from(std::mem::take(&mut piece))));
                }
            }
            out.extend_from_slice(&filter.pass(Bytes::from(piece)));
            prop_assert_eq!(&whole[..], &out[..]);
        }
    }
}
