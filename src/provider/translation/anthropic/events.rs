//! The events of a streamed message, read.

use super::errors;
use super::reply::{Block, end};
use crate::provider::conversation::Event;
use crate::provider::translation::exact;
use crate::provider::translation::refused::Unread;
use crate::provider::translation::seam::ReadEvents;
use crate::provider::usage;
use crate::provider::wire::Endpoint;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What has come of the stream.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Numbers of calls by the numbers of their blocks.
    calls: BTreeMap<u64, usize>,
    /// Numbers of blocks that are not told, whose fragments are not either.
    untold: BTreeSet<u64>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Told {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        index: u64,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u64,
        delta: Delta,
    },
    MessageDelta {
        delta: Ending,
    },
    MessageStop,
    /// Pings, ends of blocks, and what is not known here.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Start {
    id: Option<String>,
    model: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: String },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Ending {
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
}

/// More blocks in one answer are no answer.
const MOST_BLOCKS: usize = 4096;

impl ReadEvents for Reader {
    fn read(&mut self, _name: Option<&str>, data: &str) -> Result<Vec<Event>, Unread> {
        if let Some(refused) = errors::stated(data.as_bytes()) {
            return Err(Unread::Refused(refused));
        }
        let told: Told = serde_json::from_slice(&exact::guarded(data.as_bytes()))
            .map_err(|_| Unread::event(data, "an event is none of a message"))?;
        let mut out = Vec::new();
        let tokens = usage::in_json(data.as_bytes(), Endpoint::Messages);
        match told {
            Told::MessageStart { message } => {
                out.push(Event::Begin { id: message.id, model: message.model });
                // What was put out is counted at the end: here it only holds the place.
                out.extend(tokens.map(|t| Event::Tokens(usage::Tokens { output: None, ..t })));
            }
            Told::ContentBlockStart { index, content_block } => match content_block {
                Block::Text { text } => out.extend(text.and_then(some).map(Event::Text)),
                Block::Thinking { thinking, signature } => {
                    out.extend(thinking.and_then(some).map(Event::Thinking));
                    out.extend(signature.and_then(some).map(Event::Signature));
                }
                Block::RedactedThinking { data } => out.push(Event::Sealed(data)),
                Block::ToolUse { id, name, input } => {
                    let number = self.calls.len();
                    if number >= MOST_BLOCKS {
                        return Err(broken("there are too many tool calls"));
                    }
                    if self.calls.insert(index, number).is_some() {
                        return Err(broken("a tool call begins twice"));
                    }
                    out.push(Event::ToolCall { number, id, name });
                    if let Some(input) = input.filter(|input| !input.is_empty()) {
                        let fragment = exact::text(&input);
                        out.push(Event::Arguments { number, fragment });
                    }
                }
                Block::Other => {
                    if self.untold.len() >= MOST_BLOCKS {
                        return Err(broken("there are too many blocks"));
                    }
                    self.untold.insert(index);
                }
            },
            Told::ContentBlockDelta { index, delta } => match delta {
                Delta::Text { text } => out.extend(some(text).map(Event::Text)),
                Delta::Thinking { thinking } => {
                    out.extend(some(thinking).map(Event::Thinking));
                }
                Delta::Signature { signature } => {
                    out.extend(some(signature).map(Event::Signature));
                }
                Delta::Input { partial_json } => {
                    match (self.calls.get(&index).copied(), some(partial_json)) {
                        (Some(number), Some(fragment)) => {
                            out.push(Event::Arguments { number, fragment });
                        }
                        (None, Some(_)) if !self.untold.contains(&index) => {
                            return Err(broken("arguments come without their tool call"));
                        }
                        _ => {}
                    }
                }
                Delta::Other => {}
            },
            Told::MessageDelta { delta } => {
                out.extend(tokens.map(Event::Tokens));
                if let Some(reason) = delta.stop_reason {
                    let end = end(Some(&reason), delta.stop_sequence);
                    let why = "it ends for a reason that is no good end";
                    out.push(Event::End(end.ok_or_else(|| broken(why))?));
                }
            }
            Told::MessageStop => out.push(Event::Over),
            Told::Other => {}
        }
        Ok(out)
    }
}

fn broken(why: &str) -> Unread {
    Unread::Broken(why.to_owned())
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
