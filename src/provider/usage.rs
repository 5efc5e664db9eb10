//! Token counts as providers report them, read from answers that pass through.

use super::wire::Endpoint;
use memchr::memmem::FinderRev;
use serde::Deserialize;
use std::sync::LazyLock;

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

/// More tokens than this are in no request and no answer: a thousand times what the largest models
/// take.
const MOST: u64 = 1_000_000_000;

impl Tokens {
    /// Written to a cache that keeps them for five minutes, or as long as it likes. Where nobody
    /// says for how long it is five minutes, as it is for whoever asks for nothing else.
    pub(crate) fn cache_write_5m(&self) -> u64 {
        self.cache_write.unwrap_or(0).saturating_sub(self.cache_write_1h.unwrap_or(0))
    }

    /// What the counts are at an endpoint, where it says more of them than its answers do: what is
    /// embedded puts nothing out, and counting is free.
    pub(crate) fn at(self, endpoint: Endpoint) -> Self {
        match endpoint {
            Endpoint::CountTokens => Self { input: Some(0), output: Some(0), ..Self::default() },
            Endpoint::Embeddings => Self { output: self.output.or(self.input.map(|_| 0)), ..self },
            _ => self,
        }
    }

    /// Whether a count is more than any request can have.
    pub(crate) fn is_absurd(&self) -> bool {
        [
            self.input,
            self.cache_read,
            self.cache_write,
            self.cache_write_1h,
            self.output,
            self.reasoning,
        ]
        .iter()
        .any(|count| count.is_some_and(|count| count > MOST))
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

/// `usage` of any endpoint: fields of the others are simply absent.
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
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
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
    fn tokens(&self, endpoint: Endpoint) -> Tokens {
        match endpoint {
            Endpoint::ChatCompletions | Endpoint::Completions | Endpoint::Embeddings => {
                self.openai()
            }
            Endpoint::Responses => self.response(),
            Endpoint::Messages | Endpoint::CountTokens => Tokens {
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

    /// Those of a response: as in completions the details are parts of the whole.
    fn response(&self) -> Tokens {
        let input = self.input_tokens_details.as_ref();
        let cache_read = input.and_then(|d| d.cached_tokens);
        let cache_write = input.and_then(|d| d.cache_write_tokens);
        let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        Tokens {
            input: self.input_tokens.map(|n| n.saturating_sub(cached)),
            cache_read,
            cache_write,
            cache_write_1h: None,
            output: self.output_tokens,
            reasoning: self.output_tokens_details.as_ref().and_then(|d| d.reasoning_tokens),
        }
    }
}

/// So many places that may hold counts are looked at, from the end on.
const MOST_PLACES: usize = 16;

/// The counts in a piece of JSON: the object of the last key `"usage"` in it that has some. A
/// response also repeats the schemas of the request's tools, where anything may be called so.
///
/// Within a JSON string the quotes around the word would be escaped, so text that a model wrote
/// is never mistaken for counts. Each place is read to its end, and they may be nested: only the
/// last few are looked at.
pub(crate) fn in_json(json: &[u8], endpoint: Endpoint) -> Option<Tokens> {
    const KEY: &[u8] = b"\"usage\"";
    // Making one costs more than looking through a short answer.
    static FINDER: LazyLock<FinderRev<'static>> = LazyLock::new(|| FinderRev::new(KEY));
    FINDER.rfind_iter(json).take(MOST_PLACES).find_map(|at| {
        // The word may also be a value.
        let rest = json.get(at + KEY.len()..)?.trim_ascii_start().strip_prefix(b":")?;
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Wire>();
        let wire = values.next()?.ok()?;
        let counted = wire.prompt_tokens.or(wire.completion_tokens).or(wire.input_tokens);
        counted.or(wire.output_tokens).map(|_| wire.tokens(endpoint))
    })
}

/// Whether a plain answer ends before its time. JSON that is odd but not cut is the provider's own affair.
pub(crate) fn is_cut(json: &[u8]) -> bool {
    serde_json::from_slice::<Object>(json).is_err_and(|e| e.is_eof())
}

/// Any object; nothing of it is kept.
#[derive(Deserialize)]
struct Object {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_places_are_not_all_read() {
        let nested = r#"{"usage":"#.repeat(200_000);
        assert_eq!(in_json(nested.as_bytes(), Endpoint::ChatCompletions), None);
        let counts = r#"{"prompt_tokens":3,"completion_tokens":4}"#;
        let end = format!(r#"{nested}{counts}{}"#, "}".repeat(200_000));
        let found = in_json(end.as_bytes(), Endpoint::ChatCompletions).unwrap();
        assert_eq!((found.input, found.output), (Some(3), Some(4)));
    }

    #[test]
    fn counts_are_read_from_whole_answers() {
        let body = br#"{"choices":[{"message":{"content":"\"usage\":{\"prompt_tokens\":9}"}}],"usage":{"prompt_tokens":12,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":4}},"x":1}"#;
        let tokens = in_json(body, Endpoint::ChatCompletions).unwrap();
        assert_eq!((tokens.input, tokens.cache_read, tokens.output), (Some(8), Some(4), Some(10)));
        assert_eq!(in_json(br#"{"usage":null}"#, Endpoint::ChatCompletions), None);
        assert_eq!(in_json(br#"{"usage"#, Endpoint::ChatCompletions), None);
    }

    #[test]
    fn counts_are_disjoint_whoever_counts() {
        let of = |endpoint, body: &str| in_json(body.as_bytes(), endpoint).unwrap();
        let beside = r#"{"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":10,"completion_tokens_details":{"reasoning_tokens":2}}}"#;
        assert_eq!(of(Endpoint::ChatCompletions, beside).output, Some(5));
        let within = beside.replace(":10,", ":8,");
        assert_eq!(of(Endpoint::ChatCompletions, &within).output, Some(3));
        let written = r#"{"usage":{"prompt_tokens":50,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":10,"cache_write_tokens":15}}}"#;
        let tokens = of(Endpoint::ChatCompletions, written);
        assert_eq!((tokens.input, tokens.cache_write_5m()), (Some(25), 15));
        let hit =
            r#"{"usage":{"prompt_tokens":50,"completion_tokens":3,"prompt_cache_hit_tokens":40}}"#;
        assert_eq!(of(Endpoint::ChatCompletions, hit).input, Some(10));
        let both = r#"{"usage":{"input_tokens":1,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":2}}"#;
        let tokens = of(Endpoint::Messages, both);
        assert_eq!((tokens.input, tokens.cache_write_5m()), (Some(1), 10));
        assert_eq!(tokens.cache_write_1h, Some(20));
    }

    #[test]
    fn an_answer_that_is_cut_is_told_from_an_odd_one() {
        assert!(is_cut(br#"{"a":{"b":1}"#));
        assert!(is_cut(br#"{"a":"}"#));
        assert!(!is_cut(br#"{"a":{"b":[1,{}]}}"#));
        assert!(!is_cut(br#"{"a":NaN}"#));
    }

    #[test]
    fn a_response_counts_within_its_sums() {
        let body = br#"{"tools":[{"parameters":{"properties":{"usage":{"type":"string"}}}}],"usage":{"input_tokens":75,"input_tokens_details":{"cached_tokens":30},"output_tokens":1186,"output_tokens_details":{"reasoning_tokens":1024},"total_tokens":1261},"metadata":{"usage":"x"}}"#;
        let tokens = in_json(body, Endpoint::Responses).unwrap();
        assert_eq!((tokens.input, tokens.cache_read), (Some(45), Some(30)));
        assert_eq!((tokens.output, tokens.reasoning), (Some(1186), Some(1024)));
        let before = br#"{"usage":{"input_tokens":5,"output_tokens":1},"tools":[{"usage":{}}]}"#;
        assert_eq!(in_json(before, Endpoint::Responses).unwrap().input, Some(5));
    }

    #[test]
    fn counts_that_nobody_can_believe_are_told_from_large_ones() {
        let of = |n: u64| {
            let body = format!(r#"{{"usage":{{"prompt_tokens":{n},"completion_tokens":1}}}}"#);
            in_json(body.as_bytes(), Endpoint::ChatCompletions).unwrap().is_absurd()
        };
        assert!(!of(0) && !of(2_000_000) && !of(MOST));
        assert!(of(MOST + 1) && of(u64::MAX / 2) && of(u64::MAX));
        assert!(!Tokens::default().is_absurd());
    }

    #[test]
    fn embeddings_put_nothing_out_and_counting_is_free() {
        let body = br#"{"object":"list","data":[],"usage":{"prompt_tokens":8,"total_tokens":8}}"#;
        let tokens = in_json(body, Endpoint::Embeddings).unwrap().at(Endpoint::Embeddings);
        assert_eq!((tokens.input, tokens.output), (Some(8), Some(0)));
        assert_eq!(Tokens::default().at(Endpoint::Embeddings), Tokens::default());
        let tokens = Tokens::default().at(Endpoint::CountTokens);
        assert_eq!((tokens.input, tokens.output), (Some(0), Some(0)));
    }
}
