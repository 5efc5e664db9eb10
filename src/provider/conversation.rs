//! A conversation as all families of APIs mean it: what a request asks, what an answer says, and
//! the events of a streamed answer.
//!
//! Only what crosses from one family to another is read into these types. Between a client and a
//! provider of the same family bytes pass through, so nothing here needs to know every field of an
//! API; but what a request asks for and these types cannot say is an error of the translation,
//! never left out in silence.

use super::usage::Tokens;
use serde_json::{Map, Number, Value};

/// What a request asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Conversation {
    /// What stands above all turns, in order.
    pub(crate) system: Vec<String>,
    /// What was said, in order.
    pub(crate) turns: Vec<Turn>,
    /// Functions that the model may call.
    pub(crate) tools: Vec<Tool>,
    /// Which of them it may, must or must not call, if the request says.
    pub(crate) tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once, if the request says.
    pub(crate) parallel_tool_calls: Option<bool>,
    /// The most tokens of the answer.
    pub(crate) max_tokens: Option<u64>,
    /// Sampling temperature as the client counts it: 0 to 2 in the OpenAI family, 0 to 1 in the
    /// Anthropic one.
    pub(crate) temperature: Option<Number>,
    /// Nucleus sampling, 0 to 1.
    pub(crate) top_p: Option<Number>,
    /// The number of tokens that are sampled from.
    pub(crate) top_k: Option<u64>,
    /// -2 to 2.
    pub(crate) presence_penalty: Option<Number>,
    /// -2 to 2.
    pub(crate) frequency_penalty: Option<Number>,
    /// For answers that repeat as far as the provider can.
    pub(crate) seed: Option<i64>,
    /// Texts at which the answer ends.
    pub(crate) stop: Vec<String>,
    /// The form of the answer's text, if not free.
    pub(crate) format: Option<Format>,
    /// How much the model is to think before it answers, if the request says.
    pub(crate) thinking: Option<Thinking>,
    /// The client's own name of its user.
    pub(crate) user: Option<String>,
    /// Whether the answer is wanted as a stream.
    pub(crate) stream: bool,
    /// Whether the client wants the token counts in the stream.
    pub(crate) stream_usage: bool,
}

impl Conversation {
    /// Adds what a side says, to its turn if it is its turn already.
    pub(crate) fn say(&mut self, role: Role, parts: impl IntoIterator<Item = Part>) {
        match self.turns.last_mut().filter(|turn| turn.role == role) {
            Some(turn) => turn.parts.extend(parts),
            None => self.turns.push(Turn { role, parts: parts.into_iter().collect() }),
        }
    }

    /// Puts results of tools before all else of their turns, once all is said: they follow the
    /// calls that they answer, also where the user said something in a message before them.
    pub(crate) fn settle(&mut self) {
        let is_result = |part: &Part| matches!(part, Part::ToolResult { .. });
        for turn in self.turns.iter_mut().filter(|turn| turn.role == Role::User) {
            if !turn.parts.is_sorted_by_key(|part| !is_result(part)) {
                let (results, said): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut turn.parts).into_iter().partition(is_result);
                turn.parts = results.into_iter().chain(said).collect();
            }
        }
    }
}

/// What one side said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    /// Which side.
    pub(crate) role: Role,
    /// What, in order.
    pub(crate) parts: Vec<Part>,
}

/// A side of a conversation. Results of tools are what the user says, before all else of the turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Whoever runs the application, in the midst of the conversation: what stands at its beginning
    /// is in [`Conversation::system`]. Texts only.
    System,
    /// Whoever asks.
    User,
    /// The model.
    Assistant,
}

/// A piece of what was said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// Text.
    Text(String),
    /// A picture.
    Image(Image),
    /// A document.
    File {
        /// Such as `application/pdf`, or `text/plain`.
        media_type: String,
        /// Base64.
        data: String,
        /// Its name, if it has one.
        name: Option<String>,
    },
    /// The model thought this. What signs it is for the provider that made it only.
    Thinking {
        /// What it thought; empty where the provider shows none.
        text: String,
        /// Its signature.
        signature: Option<String>,
    },
    /// The model thought something that only the provider that made it can read.
    Sealed(String),
    /// The model calls a function.
    ToolCall(ToolCall),
    /// What the function gave back.
    ToolResult {
        /// [`ToolCall::id`] of the call.
        id: String,
        /// Texts and pictures.
        content: Vec<Part>,
        /// Whether it failed.
        failed: bool,
    },
    /// The model says that it will not answer.
    Refusal(String),
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Image {
    /// At an address that the provider fetches it from.
    Url(String),
    /// In the request.
    Inline {
        /// Such as `image/png`.
        media_type: String,
        /// Base64.
        data: String,
    },
}

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tool {
    /// Its name.
    pub(crate) name: String,
    /// What it does.
    pub(crate) description: Option<String>,
    /// Its parameters as a JSON Schema; an object without properties where it takes none.
    pub(crate) parameters: Value,
    /// Whether arguments must follow the schema to the letter, if the request says.
    pub(crate) strict: Option<bool>,
}

/// Which tools the model may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    /// As it likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    /// By which its result names it. Made here where the provider gives none.
    pub(crate) id: String,
    /// The function.
    pub(crate) name: String,
    /// Its arguments.
    pub(crate) arguments: Map<String, Value>,
}

/// A call that an answer was cut in: its arguments are not whole, and nobody knows how they would
/// have gone on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CutCall {
    /// [`ToolCall::id`].
    pub(crate) id: String,
    /// The function.
    pub(crate) name: String,
    /// As much of the text of its arguments as there is.
    pub(crate) arguments: String,
}

/// The form of the answer's text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    /// Some JSON object.
    Json,
    /// What this JSON Schema describes.
    Schema {
        /// Its name, if it has one.
        name: Option<String>,
        /// The schema.
        schema: Value,
        /// Whether it must be followed to the letter, if the request says.
        strict: Option<bool>,
    },
}

/// How much a model is to think.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// Not at all.
    Off,
    /// As much as the model thinks fit.
    Adaptive,
    /// At most so many tokens.
    Budget(u64),
    /// In a word of the families: `minimal`, `low`, `medium`, `high`, `xhigh`, `max`.
    Effort(String),
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    /// The provider's name of it, if it gives one.
    pub(crate) id: Option<String>,
    /// The model that answered, as the provider says.
    pub(crate) model: Option<String>,
    /// What it says: texts, thoughts, calls and refusals.
    pub(crate) parts: Vec<Part>,
    /// The call that it was cut in, after all parts.
    pub(crate) cut: Option<CutCall>,
    /// Why it ends.
    pub(crate) end: End,
    /// What the provider counted.
    pub(crate) tokens: Tokens,
}

/// Why an answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All is said.
    Stop,
    /// At a text that the request named, which the provider may tell.
    StopText(Option<String>),
    /// The most tokens are said.
    Length,
    /// Tools are called.
    ToolCalls,
    /// The provider held it back, or the model would not.
    Filtered,
    /// The provider will go on when the answer is sent back to it.
    Paused,
}

impl End {
    /// Whether there would have been more: what came last may lack its end.
    pub(crate) fn is_cut(&self) -> bool {
        matches!(self, Self::Length | Self::Filtered)
    }
}

/// An event of a streamed answer. Parts come one after the other: a delta of another kind than the
/// one before begins another part; tool calls go by their number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// The answer begins.
    Begin {
        /// [`Reply::id`].
        id: Option<String>,
        /// [`Reply::model`].
        model: Option<String>,
    },
    /// More text.
    Text(String),
    /// More of a thought.
    Thinking(String),
    /// What signs the thought so far, which ends with it.
    Signature(String),
    /// A whole [`Part::Sealed`].
    Sealed(String),
    /// More of a refusal.
    Refusal(String),
    /// A tool call begins.
    ToolCall {
        /// Its number among the calls of this answer, from 0.
        number: usize,
        /// [`ToolCall::id`].
        id: String,
        /// [`ToolCall::name`].
        name: String,
    },
    /// More of the arguments of a tool call, as a fragment of JSON text.
    Arguments {
        /// The number of the call.
        number: usize,
        /// The fragment.
        fragment: String,
    },
    /// What the provider has counted so far; what it does not say stays as it was.
    Tokens(Tokens),
    /// All parts are complete. Counts may still come.
    End(End),
    /// Nothing comes any more, as the provider says. Not every provider says so: where the stream
    /// is closed after [`Event::End`], it was complete too.
    Over,
}
