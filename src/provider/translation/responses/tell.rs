//! The events of a streamed response, written
//! (<https://platform.openai.com/docs/api-reference/responses-streaming>).

use super::{items, object};
use crate::provider::conversation::{End, Event, Part};
use crate::provider::translation::ids;
use crate::provider::translation::openai::error;
use crate::provider::translation::refused::Refused;
use crate::provider::translation::seam::{Shown, WriteEvents};
use crate::provider::usage::Tokens;
use bytes::BytesMut;
use serde_json::{Map, Value, json};

/// The last event holds the whole answer once more: no longer ones are told.
const LONGEST: usize = 16 << 20;

/// What an item takes beside what it says.
const ITEM: usize = 1 << 10;

/// The item that has begun last.
#[derive(Debug)]
enum Open {
    Said { refusal: bool, text: String },
    Thought { text: String, signature: Option<String> },
    Call { number: usize, call_id: String, name: String, arguments: String },
}

/// What has gone out of the stream.
#[derive(Debug)]
pub(super) struct Writer {
    asked: Map<String, Value>,
    id: String,
    model: String,
    request_id: String,
    created: u64,
    sequence: u64,
    begun: bool,
    /// How much was said.
    length: usize,
    open: Option<Open>,
    output: Vec<Value>,
    tokens: Tokens,
    end: Option<End>,
}

impl Writer {
    pub(super) fn new(shown: &Shown<'_>) -> Self {
        Self {
            asked: object::asked(shown.conversation),
            id: ids::answer("resp_", None, shown.request_id),
            model: shown.model.to_owned(),
            request_id: shown.request_id.to_owned(),
            created: shown.created,
            sequence: 0,
            begun: false,
            length: 0,
            open: None,
            output: Vec::new(),
            tokens: Tokens::default(),
            end: None,
        }
    }

    fn event(&mut self, kind: &str, mut data: Value, out: &mut BytesMut) {
        if let Some(map) = data.as_object_mut() {
            map.insert("type".to_owned(), kind.into());
            map.insert("sequence_number".to_owned(), self.sequence.into());
        }
        self.sequence += 1;
        out.extend_from_slice(format!("event: {kind}\ndata: {data}\n\n").as_bytes());
    }

    fn response(&mut self, end: Option<&End>) -> Value {
        let output = std::mem::take(&mut self.output);
        let (asked, id, model) = (&self.asked, &self.id, &self.model);
        object::response(asked, id, model, self.created, output, end, &self.tokens)
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        for kind in ["response.created", "response.in_progress"] {
            let response = self.response(None);
            self.event(kind, json!({"response": response}), out);
        }
    }

    /// Where the item that is open stands: its number and its id.
    fn place(&self) -> (usize, String) {
        let prefix = match self.open {
            None | Some(Open::Said { .. }) => "msg",
            Some(Open::Thought { .. }) => "rs",
            Some(Open::Call { .. }) => "fc",
        };
        let number = self.output.len();
        (number, items::id(prefix, &self.id, number))
    }

    /// Begins an item, and ends the one before.
    fn open(&mut self, item: Open, out: &mut BytesMut) {
        self.begin(out);
        self.close(out);
        self.length = self.length.saturating_add(ITEM);
        self.open = Some(item);
        let (number, id) = self.place();
        let (item, part) = match &self.open {
            None => return,
            Some(Open::Said { refusal, .. }) => {
                let item = items::message(&id, "in_progress", &json!([]));
                (
                    item,
                    Some((
                        "response.content_part.added",
                        "content_index",
                        items::text_part("", *refusal),
                    )),
                )
            }
            Some(Open::Thought { .. }) => {
                let part = json!({"type": "summary_text", "text": ""});
                let item = items::reasoning(&id, "", None);
                (item, Some(("response.reasoning_summary_part.added", "summary_index", part)))
            }
            Some(Open::Call { call_id, name, .. }) => {
                (items::call(&id, "in_progress", call_id, name, ""), None)
            }
        };
        self.event(
            "response.output_item.added",
            json!({"output_index": number, "item": item}),
            out,
        );
        if let Some((kind, index, part)) = part {
            let mut data = json!({"item_id": id, "output_index": number, "part": part});
            if let Some(map) = data.as_object_mut() {
                map.insert(index.to_owned(), 0.into());
            }
            self.event(kind, data, out);
        }
    }

    /// Ends the item that is open, as all items but the one that the answer was cut in.
    fn close(&mut self, out: &mut BytesMut) {
        self.close_as("completed", out);
    }

    fn close_as(&mut self, status: &str, out: &mut BytesMut) {
        let (number, id) = self.place();
        let Some(open) = self.open.take() else { return };
        let at = |data: Value| {
            let mut data = data;
            if let Some(map) = data.as_object_mut() {
                map.insert("item_id".to_owned(), id.as_str().into());
                map.insert("output_index".to_owned(), number.into());
            }
            data
        };
        let item = match open {
            Open::Said { refusal, text } => {
                let part = items::text_part(&text, refusal);
                let (kind, said) = match refusal {
                    true => ("response.refusal.done", json!({"content_index": 0, "refusal": text})),
                    false => (
                        "response.output_text.done",
                        json!({"content_index": 0, "text": text, "logprobs": []}),
                    ),
                };
                self.event(kind, at(said), out);
                let done = json!({"content_index": 0, "part": part});
                self.event("response.content_part.done", at(done), out);
                items::message(&id, status, &json!([part]))
            }
            Open::Thought { text, signature } => {
                let part = json!({"type": "summary_text", "text": text});
                let said = json!({"summary_index": 0, "text": text});
                self.event("response.reasoning_summary_text.done", at(said), out);
                let done = json!({"summary_index": 0, "part": part});
                self.event("response.reasoning_summary_part.done", at(done), out);
                let thought = Part::Thinking { text: text.clone(), signature };
                items::reasoning(&id, &text, items::sealed(&thought))
            }
            Open::Call { call_id, name, arguments, .. } => {
                let arguments = match arguments.as_str() {
                    "" if status == "completed" => "{}".to_owned(),
                    _ => arguments,
                };
                let said = json!({"name": name, "arguments": arguments});
                self.event("response.function_call_arguments.done", at(said), out);
                items::call(&id, status, &call_id, &name, &arguments)
            }
        };
        let done = json!({"output_index": number, "item": item});
        self.event("response.output_item.done", done, out);
        self.output.push(item);
    }

    fn say(&mut self, more: &str, refusal: bool, out: &mut BytesMut) {
        if !matches!(&self.open, Some(Open::Said { refusal: of, .. }) if *of == refusal) {
            self.open(Open::Said { refusal, text: String::new() }, out);
        }
        if let Some(Open::Said { text, .. }) = &mut self.open {
            text.push_str(more);
        }
        let (number, id) = self.place();
        let mut data = json!({
            "item_id": id, "output_index": number, "content_index": 0, "delta": more,
        });
        let kind = match refusal {
            true => "response.refusal.delta",
            false => {
                if let Some(map) = data.as_object_mut() {
                    map.insert("logprobs".to_owned(), json!([]));
                }
                "response.output_text.delta"
            }
        };
        self.event(kind, data, out);
    }

    fn think(&mut self, out: &mut BytesMut) {
        if !matches!(self.open, Some(Open::Thought { .. })) {
            self.open(Open::Thought { text: String::new(), signature: None }, out);
        }
    }
}

impl WriteEvents for Writer {
    fn write(&mut self, event: Event, out: &mut BytesMut) -> Result<(), String> {
        if self.end.is_some() && !matches!(event, Event::Tokens(_) | Event::Over) {
            return Err("more came after the end".to_owned());
        }
        let more = match &event {
            Event::Text(more)
            | Event::Thinking(more)
            | Event::Refusal(more)
            | Event::Arguments { fragment: more, .. } => more.len(),
            Event::Signature(more) | Event::Sealed(more) => ITEM + more.len(),
            Event::ToolCall { id, name, .. } => ITEM + id.len() + name.len(),
            Event::Begin { .. } | Event::Tokens(_) | Event::End(_) | Event::Over => 0,
        };
        self.length = self.length.saturating_add(more);
        if self.length > LONGEST {
            return Err(format!("it has more than {LONGEST} bytes"));
        }
        match event {
            Event::Begin { id, model } => {
                self.id = ids::answer("resp_", id.as_deref(), &self.request_id);
                self.model = model.unwrap_or(std::mem::take(&mut self.model));
            }
            Event::Text(text) => self.say(&text, false, out),
            Event::Refusal(text) => self.say(&text, true, out),
            Event::Thinking(more) => {
                self.think(out);
                if let Some(Open::Thought { text, .. }) = &mut self.open {
                    text.push_str(&more);
                }
                let (number, id) = self.place();
                let data = json!({
                    "item_id": id, "output_index": number, "summary_index": 0, "delta": more,
                });
                self.event("response.reasoning_summary_text.delta", data, out);
            }
            Event::Signature(own) => {
                self.think(out);
                if let Some(Open::Thought { signature, .. }) = &mut self.open {
                    *signature = Some(own);
                }
                self.close(out);
            }
            Event::Sealed(data) => {
                self.begin(out);
                self.close(out);
                let number = self.output.len();
                let id = items::id("rs", &self.id, number);
                let item = items::reasoning(&id, "", items::sealed(&Part::Sealed(data)));
                for kind in ["response.output_item.added", "response.output_item.done"] {
                    self.event(kind, json!({"output_index": number, "item": item}), out);
                }
                self.output.push(item);
            }
            Event::ToolCall { number, id, name } => {
                let open = Open::Call { number, call_id: id, name, arguments: String::new() };
                self.open(open, out);
            }
            Event::Arguments { number, fragment } => {
                match &mut self.open {
                    Some(Open::Call { number: of, arguments, .. }) if *of == number => {
                        arguments.push_str(&fragment);
                    }
                    _ => return Err("parts of tool calls come one between the other".to_owned()),
                }
                let (number, id) = self.place();
                let data = json!({"item_id": id, "output_index": number, "delta": fragment});
                self.event("response.function_call_arguments.delta", data, out);
            }
            Event::Tokens(tokens) => self.tokens.update(tokens),
            Event::End(end) => {
                self.begin(out);
                self.close_as(if end.is_cut() { "incomplete" } else { "completed" }, out);
                self.end = Some(end);
            }
            Event::Over => {}
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut BytesMut) {
        self.begin(out);
        self.close(out);
        let end = self.end.take().unwrap_or(End::Stop);
        let response = self.response(Some(&end));
        let kind = match end {
            End::Length | End::Paused | End::Filtered => "response.incomplete",
            End::Stop | End::StopText(_) | End::ToolCalls => "response.completed",
        };
        self.event(kind, json!({"response": response}), out);
    }

    fn fail(&mut self, refused: &Refused, _request_id: &str, out: &mut BytesMut) {
        let (_, body) = error(refused);
        let of = |field: &str| body.pointer(&format!("/error/{field}")).cloned();
        let data = json!({"code": of("code"), "message": of("message"), "param": null});
        self.event("error", data, out);
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }
}
