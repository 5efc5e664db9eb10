//! Whether a conversation holds together. What the API of its client would refuse, or no other
//! family could make anything of, is refused here and reaches nobody.

use super::refused::Untranslatable;
use crate::provider::conversation::{Conversation, Part, Role, ToolChoice, Turn};
use std::collections::HashSet;

/// Judges what was read; the conversation stands in the field `place` of the request. `goes_on` is
/// whether a last message of the assistant is one that the answer is to go on with, as the client's
/// API has it.
pub(super) fn judge(
    asked: &Conversation,
    place: &str,
    goes_on: bool,
) -> Result<(), Untranslatable> {
    tools(asked)?;
    turns(asked, place, goes_on)
}

fn tools(asked: &Conversation) -> Result<(), Untranslatable> {
    let wrong = |place: &str, what: &str| {
        Err(Untranslatable::malformed(place, format!("`{place}` {what}")))
    };
    let mut names = HashSet::new();
    if !asked.tools.iter().all(|tool| names.insert(tool.name.as_str())) {
        return wrong("tools", "has two tools of one name");
    }
    match &asked.tool_choice {
        Some(ToolChoice::Required) if names.is_empty() => {
            wrong("tool_choice", "demands a tool, and `tools` has none")
        }
        Some(ToolChoice::Named(name)) if !names.contains(name.as_str()) => {
            wrong("tool_choice", "names a tool that is not among `tools`")
        }
        _ => Ok(()),
    }
}

fn turns(asked: &Conversation, place: &str, goes_on: bool) -> Result<(), Untranslatable> {
    let wrong = |what: &str| Err(Untranslatable::malformed(place, format!("`{place}`: {what}")));
    let cannot = |what: &str| Err(Untranslatable::unsupported(place, format!("`{place}`: {what}")));
    let (mut open, mut last) = (HashSet::new(), None);
    let unanswered = "a tool is called, and its result does not come right after the call";
    for turn in asked.turns.iter().filter(|turn| turn.role != Role::System && !is_silent(turn)) {
        if turn.role == Role::Assistant {
            if !open.is_empty() {
                return wrong(unanswered);
            }
            let mut calls = turn.parts.iter().filter_map(|part| match part {
                Part::ToolCall(call) => Some(call.id.as_str()),
                _ => None,
            });
            if !calls.all(|id| open.insert(id)) {
                return wrong("two calls have one id");
            }
        } else {
            let mut results = turn.parts.iter().filter_map(|part| match part {
                Part::ToolResult { id, .. } => Some(id.as_str()),
                _ => None,
            });
            if !results.all(|id| open.remove(id)) {
                return wrong("a result is of no call right before it, or comes twice");
            }
            if turn.parts.iter().all(is_nothing) {
                return cannot(
                    "a message of the user is empty, which the provider of this model does not take",
                );
            }
        }
        last = Some(turn.role);
    }
    match last {
        _ if !open.is_empty() => wrong(unanswered),
        None => {
            cannot("there is no message but instructions, which the provider of this model needs")
        }
        Some(Role::Assistant) if !goes_on => cannot(
            "the last message is the assistant's, which the provider of this model would go on \
             with and not answer",
        ),
        Some(_) => Ok(()),
    }
}

/// Whether a turn of the model says nothing to other families; those are left out.
fn is_silent(turn: &Turn) -> bool {
    let silent =
        |part: &Part| is_nothing(part) || matches!(part, Part::Thinking { signature: None, .. });
    turn.role == Role::Assistant && turn.parts.iter().all(silent)
}

fn is_nothing(part: &Part) -> bool {
    matches!(part, Part::Text(text) | Part::Refusal(text) if text.is_empty())
}
