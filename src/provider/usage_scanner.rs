//! Reads the counts, and whether the end was reached, from a stream of events that passes by.

use super::failure::is_error;
use super::opening::Refusal;
use super::outline::Outline;
use super::response_events::{self, Ending};
use super::usage::{Tokens, in_json};
use super::wire::{Endpoint, Family};
use memchr::memmem;
use serde::Deserialize;
use std::borrow::Cow;

/// Whether the last field `key` (with its quotes) in a piece of JSON has a word as its value. A few
/// servers write an empty one where others write none.
fn concludes(json: &[u8], key: &[u8]) -> bool {
    memmem::rfind(json, key)
        .and_then(|at| json.get(at + key.len()..))
        .and_then(|rest| rest.trim_ascii_start().strip_prefix(b":"))
        .and_then(|value| value.trim_ascii_start().strip_prefix(b"\""))
        .is_some_and(|word| !word.starts_with(b"\""))
}

/// The number of the choice that a chunk is of, as far as it tells choices apart.
fn choice(json: &[u8]) -> u32 {
    let number = memmem::find(json, b"\"index\"")
        .and_then(|at| json.get(at + b"\"index\"".len()..))
        .and_then(|rest| rest.trim_ascii_start().strip_prefix(b":"))
        .map(|rest| rest.trim_ascii_start().iter().take_while(|byte| byte.is_ascii_digit()));
    let number = number.into_iter().flatten().fold(0_u32, |number, digit| {
        number.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
    });
    number.min(LAST_CHOICE)
}

/// The choices beyond share this number; 128 are the most that `n` may be at `OpenAI`.
const LAST_CHOICE: u32 = u128::BITS - 1;

/// An event of a stream with several choices.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
}

/// What one choice has in it.
#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

/// Whether an event's type is `word` (with its quotes). The word alone may also be what the model
/// says; the field with its quotes cannot stand within a JSON string.
fn is_type(json: &[u8], word: &[u8]) -> bool {
    memmem::find_iter(json, word).any(|at| {
        json.get(..at)
            .and_then(|before| before.trim_ascii_end().strip_suffix(b":"))
            .is_some_and(|before| before.trim_ascii_end().ends_with(b"\"type\""))
    })
}

/// The longest event that is kept while it is incomplete; of a longer one an [`Outline`] is.
const LONGEST_EVENT: usize = 1 << 20;

/// The field of an event that holds what it says.
const DATA: &[u8] = b"data:";

/// Reads the counts, and whether the end was reached, from a stream of events that passes by in
/// pieces of any size.
#[derive(Debug)]
pub(crate) struct UsageScanner {
    endpoint: Endpoint,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    /// The line that comes, if it is overlong.
    overlong: Option<Overlong>,
    /// The number of the next event, where events are numbered.
    sequence: u64,
    tokens: Tokens,
    finished: bool,
    /// Whether there may be several choices: each is watched from its beginning then.
    several: bool,
    /// The choices that have said why they end, a bit for each.
    concluded: u128,
    /// Those that were seen and have not; where one is expected, those seen after another had.
    open: u128,
    refusal: Option<Refusal>,
}

impl UsageScanner {
    /// A scanner for a stream of this endpoint.
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            partial: Vec::new(),
            overlong: None,
            sequence: 0,
            tokens: Tokens::default(),
            finished: false,
            several: false,
            concluded: 0,
            open: 0,
            refusal: None,
        }
    }

    /// The same, for an answer that may have `several` choices: all that were seen must have ended.
    pub(crate) fn of_several(self, several: bool) -> Self {
        Self { several, ..self }
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            if let Some(mut overlong) = self.overlong.take() {
                overlong.push(line);
                if let Some(outline) = overlong.data {
                    self.data(&outline.document());
                }
            } else if self.partial.is_empty() {
                self.line(line);
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                self.line(&whole);
            }
            rest = after.get(1..).unwrap_or_default();
        }
        if let Some(overlong) = &mut self.overlong {
            overlong.push(rest);
        } else if self.partial.len() + rest.len() > LONGEST_EVENT {
            self.overlong = Some(Overlong::of(&std::mem::take(&mut self.partial), rest));
        } else {
            self.partial.extend_from_slice(rest);
        }
    }

    fn line(&mut self, line: &[u8]) {
        if let Some(data) = line.strip_prefix(DATA) {
            self.data(data.trim_ascii());
        }
    }

    fn data(&mut self, data: &[u8]) {
        // Nothing comes after an error.
        if self.endpoint == Endpoint::Responses {
            return self.response_event(data);
        }
        if is_error(self.endpoint, data) {
            self.refused_by(data);
        }
        match self.endpoint.family() {
            Family::OpenAi if data == b"[DONE]" => self.finished = true,
            Family::Anthropic if is_type(data, b"\"message_stop\"") => self.finished = true,
            Family::OpenAi if self.several => self.choices(data),
            Family::OpenAi => self.chunk(data),
            Family::Anthropic => {
                self.concluded |= u128::from(concludes(data, b"\"stop_reason\""));
            }
        }
        if let Some(mut tokens) = in_json(data, self.endpoint) {
            if self.endpoint == Endpoint::Messages && is_type(data, b"\"message_start\"") {
                // It only holds the place: what was put out is counted at the end.
                tokens.output = None;
            }
            self.tokens.update(tokens);
        }
    }

    /// What an event says of the only choice that was asked for.
    fn chunk(&mut self, data: &[u8]) {
        let concludes = concludes(data, b"\"finish_reason\"");
        if !concludes && self.concluded == 0 {
            return;
        }
        let choice = 1_u128 << choice(data);
        if concludes {
            self.concluded |= choice;
            self.open &= !choice;
        } else if self.concluded & choice == 0
            && (memmem::find(data, b"\"delta\"").is_some()
                || memmem::find(data, b"\"text\"").is_some())
        {
            self.open |= choice;
        }
    }

    /// What an event says of several choices. Calls of tools are numbered too, and some servers
    /// tell those before the number of the choice: it takes a parser to tell them apart.
    fn choices(&mut self, data: &[u8]) {
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else { return };
        for Choice { index, finish_reason } in chunk.choices {
            let choice = 1_u128 << index.min(LAST_CHOICE);
            if finish_reason.is_some_and(|reason| !reason.is_empty()) {
                self.concluded |= choice;
            } else {
                self.open |= choice;
            }
        }
        self.open &= !self.concluded;
    }

    fn response_event(&mut self, data: &[u8]) {
        if let Some(number) = response_events::sequence(data) {
            self.sequence = self.sequence.max(number.saturating_add(1));
        }
        let Some(ending) = response_events::ending(data) else { return };
        match ending {
            Ending::Whole => self.finished = true,
            Ending::Failed => self.refused_by(data),
        }
        if let Some(tokens) = in_json(data, self.endpoint) {
            self.tokens.update(tokens);
        }
    }

    /// The number that the next event has, where events are numbered.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.sequence
    }

    fn refused_by(&mut self, data: &[u8]) {
        if !self.finished && self.refusal.is_none() {
            self.refusal = Some(Refusal::of(self.endpoint, data));
        }
    }

    /// The error of its own with which the provider ended the stream.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// What was counted so far.
    pub(crate) fn tokens(&self) -> Tokens {
        self.tokens
    }

    /// Whether the event that ends a stream of this family has passed.
    pub(crate) fn finished(&self) -> bool {
        self.finished
    }

    /// Whether the answer is whole: the stream's end has passed, or at least the reason why the
    /// model stopped. Some servers leave out `[DONE]`.
    pub(crate) fn whole(&self) -> bool {
        self.finished || (self.concluded != 0 && self.open == 0)
    }
}

/// A line that is longer than what is kept of lines.
#[derive(Debug)]
struct Overlong {
    /// What is kept of its data; `None` if it is no data.
    data: Option<Box<Outline>>,
}

impl Overlong {
    /// A line of which `head` has come, and now `more`.
    fn of(head: &[u8], more: &[u8]) -> Self {
        let is_data = head.iter().chain(more).take(DATA.len()).eq(DATA);
        let mut overlong = Self { data: is_data.then(Box::default) };
        // The name of the field says nothing to whoever looks for a document.
        overlong.push(head);
        overlong.push(more);
        overlong
    }

    fn push(&mut self, piece: &[u8]) {
        if let Some(data) = &mut self.data {
            data.push(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_holds_the_place_of_a_count_is_not_one() {
        let mut scanner = UsageScanner::new(Endpoint::Messages);
        scanner.push(b"data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":7,\"cache_creation_input_tokens\":9,\"cache_creation\":{\"ephemeral_1h_input_tokens\":4},\"output_tokens\":1}}}\n\n");
        let tokens = scanner.tokens();
        assert_eq!((tokens.input, tokens.output), (Some(7), None));
        scanner.push(b"data: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":7,\"cache_creation_input_tokens\":9,\"output_tokens\":12}}\n\n");
        let tokens = scanner.tokens();
        assert_eq!(
            (tokens.output, tokens.cache_write_5m(), tokens.cache_write_1h),
            (Some(12), 5, Some(4))
        );
    }

    #[test]
    fn words_of_a_model_are_neither_counts_nor_the_end() {
        let body = br#"{"usage":{"input_tokens":5},"content":[{"text":"usage"}]}"#;
        assert_eq!(in_json(body, Endpoint::Messages).unwrap().input, Some(5));
        let mut scanner = UsageScanner::new(Endpoint::Messages);
        scanner.push(b"data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"message_stop\"}}\n\n");
        assert!(!scanner.whole());
        scanner.push(b"data: { \"type\" : \"message_stop\" }\n\n");
        assert!(scanner.finished());
    }

    #[test]
    fn counts_and_end_are_found_however_the_stream_is_cut() {
        let stream = b"event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\r\n\r\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":30}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        for size in [1, 2, 3, 7, 50, stream.len()] {
            let mut scanner = UsageScanner::new(Endpoint::Messages);
            for piece in stream.chunks(size) {
                scanner.push(piece);
            }
            assert!(scanner.finished());
            assert_eq!(scanner.tokens().input, Some(7));
            assert_eq!(scanner.tokens().output, Some(30));
        }
    }

    #[test]
    fn a_stream_without_done_is_whole_once_the_model_has_stopped() {
        let mut scanner = UsageScanner::new(Endpoint::ChatCompletions);
        for none in ["null", "\"\""] {
            let chunk = format!("{{\"choices\":[{{\"delta\":{{}},\"finish_reason\":{none}}}]}}");
            scanner.push(format!("data: {chunk}\n\n").as_bytes());
            assert!(!scanner.whole(), "{none}");
        }
        scanner.push(b"data: {\"choices\":[{\"delta\":{},\"finish_reason\": \"stop\"}]}\n\n");
        assert!(scanner.whole() && !scanner.finished());
    }

    #[test]
    fn a_stream_of_more_answers_than_were_expected_is_whole_once_all_have_ended() {
        let mut scanner = UsageScanner::new(Endpoint::ChatCompletions);
        let mut chunk = |index: u32, reason: &str| {
            let choice = format!(r#"{{"index":{index},"delta":{{}},"finish_reason":{reason}}}"#);
            scanner.push(format!("data: {{\"choices\":[{choice}]}}\n\n").as_bytes());
            scanner.whole()
        };
        assert!(!chunk(0, "null") && !chunk(1, "null"));
        assert!(chunk(0, "\"stop\""), "nothing says that there is another");
        assert!(!chunk(1, "null") && !chunk(99, "null") && !chunk(1, "\"stop\""));
        assert!(chunk(99, "\"length\""));
        assert!(chunk(0, "null"), "a few say more beside the counts");
        scanner.push(b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n");
        assert!(scanner.whole() && !scanner.finished());
    }

    #[test]
    fn of_several_choices_all_that_were_seen_must_end() {
        let mut scanner = UsageScanner::new(Endpoint::ChatCompletions).of_several(true);
        let mut chunk = |choices: &str| {
            scanner.push(format!("data: {{\"choices\":[{choices}]}}\n\n").as_bytes());
            scanner.whole()
        };
        let choice = |index: u32, reason: &str| {
            let calls = r#"{"tool_calls":[{"index":7,"id":"c"}]}"#;
            format!(r#"{{"delta":{calls},"finish_reason":{reason},"index":{index}}}"#)
        };
        assert!(!chunk(""), "an event before all choices");
        assert!(!chunk(&choice(0, "null")));
        assert!(!chunk(&[choice(1, "\"\""), choice(100, "null")].join(",")));
        assert!(!chunk(&choice(0, "\"stop\"")), "two others are under way");
        assert!(!chunk(&choice(1, "\"tool_calls\"")) && !chunk("5"), "another is");
        assert!(chunk(&choice(100, "\"length\"")));
        assert!(chunk(&choice(0, "null")), "a few say more beside the counts");
        scanner.push(b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n");
        assert!(scanner.whole() && !scanner.finished());
        assert_eq!(scanner.tokens().input, Some(1));
    }

    #[test]
    fn a_provider_that_gives_one_choice_where_several_were_wanted_is_whole_with_it() {
        for endpoint in [Endpoint::ChatCompletions, Endpoint::Completions] {
            let mut scanner = UsageScanner::new(endpoint).of_several(true);
            scanner.push(b"data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":null}]}\n\n");
            assert!(!scanner.whole());
            scanner.push(b"data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\n");
            assert!(scanner.whole());
        }
    }

    #[test]
    fn done_ends_an_openai_stream_and_overlong_lines_are_skipped() {
        let mut scanner = UsageScanner::new(Endpoint::ChatCompletions);
        scanner.push(b"data: ");
        for _ in 0..40 {
            scanner.push(&vec![b'x'; 64 << 10]);
        }
        assert!(scanner.partial.len() <= LONGEST_EVENT);
        scanner.push(b"\n\ndata: [DO");
        assert!(!scanner.finished());
        scanner.push(b"NE]\n\n");
        assert!(scanner.finished());
    }

    #[test]
    fn a_response_ends_with_its_own_event_and_counts_there() {
        let stream = concat!(
            "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"usage\":null,\"error\":null}}\n\n",
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"delta\":\"response.completed\"}\n\n",
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":2,\"response\":{\"error\":null,\"usage\":{\"input_tokens\":9,\"output_tokens\":4}}}\n\n",
        );
        for size in [1, 3, 50, stream.len()] {
            let mut scanner = UsageScanner::new(Endpoint::Responses);
            let (before, last) = stream.as_bytes().split_at(stream.len() - 3);
            before.chunks(size).for_each(|piece| scanner.push(piece));
            assert!(!scanner.whole());
            assert_eq!(scanner.next_sequence(), 2);
            scanner.push(last);
            assert!(scanner.finished() && scanner.refusal().is_none());
            assert_eq!((scanner.tokens().input, scanner.tokens().output), (Some(9), Some(4)));
        }
        let mut failed = UsageScanner::new(Endpoint::Responses);
        failed.push(b"data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\"},\"usage\":{\"input_tokens\":9,\"output_tokens\":0}}}\n\n");
        assert!(failed.refusal().is_some() && !failed.whole());
        assert_eq!(failed.tokens().input, Some(9));
    }

    #[test]
    fn a_response_may_be_larger_than_what_is_kept() {
        let long = "A".repeat(3 << 20);
        // A pair of metadata may be 576 characters, each of which may be written with twelve.
        let metadata = "u".repeat(200 << 10);
        let usage = r#""usage":{"input_tokens":9,"output_tokens":4}"#;
        let events = [
            // A picture in it.
            format!(
                r#"{{"type":"response.completed","sequence_number":8,"response":{{"output":[{{"result":"{long}"}}],{usage}}}}}"#
            ),
            // The schema of the request, and long metadata after the counts.
            format!(
                r#"{{"type":"response.completed","response":{{"tools":[{{"parameters":{{"usage":{{"x":"{long}"}}}}}}],{usage},"metadata":{{"a":"{metadata}"}}}},"sequence_number":8}}"#
            ),
            // Sorted by name.
            format!(
                r#"{{"response":{{{usage},"output":[{{"type":"response.failed","text":"{long}"}}]}},"sequence_number":8,"type":"response.incomplete"}}"#
            ),
        ];
        for event in events {
            for size in [64 << 10, event.len()] {
                let mut scanner = UsageScanner::new(Endpoint::Responses);
                scanner.push(b"event: response.completed\ndata: ");
                for piece in event.as_bytes().chunks(size) {
                    scanner.push(piece);
                    assert!(scanner.partial.len() <= LONGEST_EVENT);
                }
                assert!(!scanner.finished());
                scanner.push(b"\n\n");
                assert!(scanner.finished() && scanner.refusal().is_none());
                assert_eq!((scanner.tokens().input, scanner.tokens().output), (Some(9), Some(4)));
                assert_eq!(scanner.next_sequence(), 9);
            }
        }
    }

    #[test]
    fn what_begins_or_fails_with_a_long_event_is_not_taken_for_its_end() {
        let long = "A".repeat(2 << 20);
        let mut scanner = UsageScanner::new(Endpoint::Responses);
        let created = format!(
            r#"{{"type":"response.created","sequence_number":0,"response":{{"tools":[{{"type":"response.completed"}}],"instructions":"{long}","usage":null}}}}"#
        );
        let failed = format!(
            r#"{{"type":"response.failed","sequence_number":1,"response":{{"instructions":"{long}","error":{{"code":"server_error"}},"usage":{{"input_tokens":3}}}}}}"#
        );
        for piece in format!("data: {created}\n\n").as_bytes().chunks(64 << 10) {
            scanner.push(piece);
        }
        assert!(!scanner.whole() && scanner.refusal().is_none());
        for piece in format!("data: {failed}\n\n").as_bytes().chunks(64 << 10) {
            scanner.push(piece);
        }
        assert!(!scanner.whole() && scanner.refusal().is_some());
        assert_eq!(scanner.tokens().input, Some(3));
    }

    #[test]
    fn counts_of_long_chunks_are_seen() {
        let long = "A".repeat(2 << 20);
        let mut scanner = UsageScanner::new(Endpoint::ChatCompletions);
        let chunk = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{long}\"}}}}],\"usage\":{{\"prompt_tokens\":3,\"completion_tokens\":4}}}}\n\n"
        );
        chunk.as_bytes().chunks(64 << 10).for_each(|piece| scanner.push(piece));
        assert_eq!((scanner.tokens().input, scanner.tokens().output), (Some(3), Some(4)));
    }
}
