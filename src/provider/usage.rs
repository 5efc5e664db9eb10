//! Token counts as providers report them, read from answers that pass through.

use super::failure::is_error;
use super::wire::Family;
use memchr::memmem;
use serde::Deserialize;

/// What a provider counted. `None` is "not said", which is not zero.
///
/// OpenAI's `prompt_tokens` include cached ones, Anthropic's `input_tokens` do not; here `input`
/// is always without those that were read from a cache or written to one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    /// Of the request, neither read from a cache nor written to one.
    pub(crate) input: Option<u64>,
    /// Of the request, read from a cache.
    pub(crate) cache_read: Option<u64>,
    /// Of the request, written to a cache.
    pub(crate) cache_write: Option<u64>,
    /// Of those that were written to a cache, the ones that it keeps for an hour.
    pub(crate) cache_write_1h: Option<u64>,
    /// Of the answer, those for reasoning included.
    pub(crate) output: Option<u64>,
    /// Of the answer, for reasoning.
    pub(crate) reasoning: Option<u64>,
}

impl Tokens {
    /// Written to a cache that keeps them for five minutes, or as long as it likes. Where nobody
    /// says for how long it is five minutes, as it is for whoever asks for nothing else.
    pub(crate) fn cache_write_5m(&self) -> u64 {
        self.cache_write.unwrap_or(0).saturating_sub(self.cache_write_1h.unwrap_or(0))
    }

    /// Takes over what `newer` says; what it does not say stays.
    pub(crate) fn update(&mut self, newer: Self) {
        self.input = newer.input.or(self.input);
        self.cache_read = newer.cache_read.or(self.cache_read);
        self.cache_write = newer.cache_write.or(self.cache_write);
        self.cache_write_1h = newer.cache_write_1h.or(self.cache_write_1h);
        self.output = newer.output.or(self.output);
        self.reasoning = newer.reasoning.or(self.reasoning);
    }
}

/// `usage` of either family: fields of the other are simply absent.
#[derive(Deserialize)]
struct Wire {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
    /// DeepSeek's name for the cached ones of `prompt_tokens`.
    prompt_cache_hit_tokens: Option<u64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<Lifetimes>,
}

#[derive(Deserialize)]
struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Lifetimes {
    ephemeral_1h_input_tokens: Option<u64>,
}

impl Wire {
    fn tokens(&self, family: Family) -> Tokens {
        match family {
            Family::OpenAi => self.openai(),
            Family::Anthropic => Tokens {
                input: self.input_tokens,
                cache_read: self.cache_read_input_tokens,
                cache_write: self.cache_creation_input_tokens,
                cache_write_1h: self
                    .cache_creation
                    .as_ref()
                    .and_then(|c| c.ephemeral_1h_input_tokens),
                output: self.output_tokens,
                reasoning: None,
            },
        }
    }

    fn openai(&self) -> Tokens {
        let input = self.prompt_tokens_details.as_ref();
        let cache_read = input.and_then(|d| d.cached_tokens).or(self.prompt_cache_hit_tokens);
        let cache_write = input.and_then(|d| d.cache_write_tokens);
        let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        let details = self.completion_tokens_details.as_ref();
        let reasoning = details.and_then(|d| d.reasoning_tokens);
        // Some count reasoning beside the completion rather than in it; their total tells.
        let beside = |output: u64| {
            let sum = self.prompt_tokens?.checked_add(output)?.checked_add(reasoning?)?;
            (self.total_tokens? == sum).then(|| output.saturating_add(reasoning.unwrap_or(0)))
        };
        Tokens {
            input: self.prompt_tokens.map(|n| n.saturating_sub(cached)),
            cache_read,
            cache_write,
            cache_write_1h: None,
            output: self.completion_tokens.map(|n| beside(n).unwrap_or(n)),
            reasoning,
        }
    }
}

/// The counts in a piece of JSON: the object of the last key `"usage"` in it.
///
/// Within a JSON string the quotes around the word would be escaped, so text that a model wrote
/// is never mistaken for counts.
pub(crate) fn in_json(json: &[u8], family: Family) -> Option<Tokens> {
    const KEY: &[u8] = b"\"usage\"";
    memmem::rfind_iter(json, KEY).find_map(|at| {
        // The word may also be a value.
        let rest = json.get(at + KEY.len()..)?.trim_ascii_start().strip_prefix(b":")?;
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Wire>();
        Some(values.next()?.ok()?.tokens(family))
    })
}

/// Whether the last field `key` (with its quotes) in a piece of JSON has a text as its value.
fn concludes(json: &[u8], key: &[u8]) -> bool {
    memmem::rfind(json, key)
        .and_then(|at| json.get(at + key.len()..))
        .and_then(|rest| rest.trim_ascii_start().strip_prefix(b":"))
        .is_some_and(|value| value.trim_ascii_start().starts_with(b"\""))
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

/// Whether a plain answer ends before its time, as one does whose connection said nothing of its
/// length. JSON that is odd but not cut is the provider's own affair.
pub(crate) fn is_cut(json: &[u8]) -> bool {
    serde_json::from_slice::<Object>(json).is_err_and(|e| e.is_eof())
}

/// Any object; nothing of it is kept.
#[derive(Deserialize)]
struct Object {}

/// The longest event that is kept while it is incomplete; a longer one passes unread.
const LONGEST_EVENT: usize = 1 << 20;

/// Reads the counts, and whether the end was reached, from a stream of events that passes by in
/// pieces of any size.
#[derive(Debug)]
pub(crate) struct UsageScanner {
    family: Family,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    /// Whether the rest of an overlong line is being skipped.
    skipping: bool,
    tokens: Tokens,
    finished: bool,
    concluded: bool,
    refused: bool,
}

impl UsageScanner {
    /// A scanner for a stream of this family.
    pub(crate) fn new(family: Family) -> Self {
        Self {
            family,
            partial: Vec::new(),
            skipping: false,
            tokens: Tokens::default(),
            finished: false,
            concluded: false,
            refused: false,
        }
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            if self.skipping {
                self.skipping = false;
            } else if self.partial.is_empty() {
                self.line(line);
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                self.line(&whole);
            }
            rest = after.get(1..).unwrap_or_default();
        }
        if self.skipping || rest.is_empty() {
            return;
        }
        if self.partial.len() + rest.len() > LONGEST_EVENT {
            self.partial = Vec::new();
            self.skipping = true;
        } else {
            self.partial.extend_from_slice(rest);
        }
    }

    fn line(&mut self, line: &[u8]) {
        let Some(data) = line.strip_prefix(b"data:") else { return };
        let data = data.trim_ascii();
        // Nothing comes after an error.
        self.refused |= !self.finished && is_error(self.family, data);
        match self.family {
            Family::OpenAi if data == b"[DONE]" => self.finished = true,
            Family::Anthropic if is_type(data, b"\"message_stop\"") => self.finished = true,
            Family::OpenAi => self.concluded |= concludes(data, b"\"finish_reason\""),
            Family::Anthropic => self.concluded |= concludes(data, b"\"stop_reason\""),
        }
        if let Some(mut tokens) = in_json(data, self.family) {
            if self.family == Family::Anthropic && is_type(data, b"\"message_start\"") {
                // It only holds the place: what was put out is counted at the end.
                tokens.output = None;
            }
            self.tokens.update(tokens);
        }
    }

    /// Whether the provider ended the stream with an error of its own.
    pub(crate) fn refused(&self) -> bool {
        self.refused
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
        self.finished || self.concluded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_whole_answers() {
        let body = br#"{"choices":[{"message":{"content":"\"usage\":{\"prompt_tokens\":9}"}}],"usage":{"prompt_tokens":12,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":4}},"x":1}"#;
        let tokens = in_json(body, Family::OpenAi).unwrap();
        assert_eq!((tokens.input, tokens.cache_read, tokens.output), (Some(8), Some(4), Some(10)));
        assert_eq!(in_json(br#"{"usage":null}"#, Family::OpenAi), None);
        assert_eq!(in_json(br#"{"usage"#, Family::OpenAi), None);
    }

    #[test]
    fn counts_are_disjoint_whoever_counts() {
        let of = |family, body: &str| in_json(body.as_bytes(), family).unwrap();
        let beside = r#"{"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":10,"completion_tokens_details":{"reasoning_tokens":2}}}"#;
        assert_eq!(of(Family::OpenAi, beside).output, Some(5));
        let within = beside.replace(":10,", ":8,");
        assert_eq!(of(Family::OpenAi, &within).output, Some(3));
        let written = r#"{"usage":{"prompt_tokens":50,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":10,"cache_write_tokens":15}}}"#;
        let tokens = of(Family::OpenAi, written);
        assert_eq!((tokens.input, tokens.cache_write_5m()), (Some(25), 15));
        let hit =
            r#"{"usage":{"prompt_tokens":50,"completion_tokens":3,"prompt_cache_hit_tokens":40}}"#;
        assert_eq!(of(Family::OpenAi, hit).input, Some(10));
        let both = r#"{"usage":{"input_tokens":1,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":2}}"#;
        let tokens = of(Family::Anthropic, both);
        assert_eq!((tokens.input, tokens.cache_write_5m()), (Some(1), 10));
        assert_eq!(tokens.cache_write_1h, Some(20));
    }

    #[test]
    fn what_only_holds_the_place_of_a_count_is_not_one() {
        let mut scanner = UsageScanner::new(Family::Anthropic);
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
        assert_eq!(in_json(body, Family::Anthropic).unwrap().input, Some(5));
        let mut scanner = UsageScanner::new(Family::Anthropic);
        scanner.push(b"data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"message_stop\"}}\n\n");
        assert!(!scanner.whole());
        scanner.push(b"data: { \"type\" : \"message_stop\" }\n\n");
        assert!(scanner.finished());
    }

    #[test]
    fn an_answer_that_is_cut_is_told_from_an_odd_one() {
        assert!(is_cut(br#"{"a":{"b":1}"#));
        assert!(is_cut(br#"{"a":"}"#));
        assert!(!is_cut(br#"{"a":{"b":[1,{}]}}"#));
        assert!(!is_cut(br#"{"a":NaN}"#));
    }

    #[test]
    fn counts_and_end_are_found_however_the_stream_is_cut() {
        let stream = b"event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\r\n\r\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":30}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        for size in [1, 2, 3, 7, 50, stream.len()] {
            let mut scanner = UsageScanner::new(Family::Anthropic);
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
        let mut scanner = UsageScanner::new(Family::OpenAi);
        scanner.push(b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":null}]}\n\n");
        assert!(!scanner.whole());
        scanner.push(b"data: {\"choices\":[{\"delta\":{},\"finish_reason\": \"stop\"}]}\n\n");
        assert!(scanner.whole() && !scanner.finished());
    }

    #[test]
    fn done_ends_an_openai_stream_and_overlong_lines_are_skipped() {
        let mut scanner = UsageScanner::new(Family::OpenAi);
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
}
