//! Streams with text that is not as it should be, and can be read all the same: nothing of it is
//! lost.

use super::CHAT;
use super::streams::{asking, told_bytes};
use crate::provider::translation::{ClientDialect, Dialect, Messages, Responses, StreamOpening};

const CHAT_END: &str =
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

const MESSAGE_END: &str = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n";

fn chat(text: &[u8]) -> Vec<u8> {
    [b"data: {\"choices\":[{\"delta\":{\"content\":\"", text, b"\"}}]}\n\n"].concat()
}

fn message(text: &[u8]) -> Vec<u8> {
    let head = b"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"";
    [&head[..], text, b"\"}}\n\n"].concat()
}

/// What clients of every family read, of a provider that says these texts.
fn said(texts: &[&[u8]]) -> Vec<String> {
    let chat: Vec<u8> = texts.iter().flat_map(|text| chat(text)).chain(CHAT_END.bytes()).collect();
    let message: Vec<u8> =
        texts.iter().flat_map(|text| message(text)).chain(MESSAGE_END.bytes()).collect();
    let froms: [(&'static dyn Dialect, Vec<u8>); 2] = [(&CHAT, chat), (&Messages, message)];
    let clients: [&dyn ClientDialect; 3] = [&CHAT, &Messages, &Responses];
    let mut out = Vec::new();
    for (from, stream) in froms {
        for to in clients {
            for size in [1, 7, stream.len()] {
                let (told, translator) = told_bytes(from, to, &asking(false, false), &stream, size);
                assert!(translator.finished() && translator.malformed() == 0, "{told}");
                out.push(text(&told));
            }
        }
    }
    out
}

/// The text of a stream, in the words of whatever family.
fn text(told: &str) -> String {
    super::streams::data(told)
        .iter()
        .filter_map(|event| {
            event
                .pointer("/choices/0/delta/content")
                .or_else(|| event.pointer("/delta/text"))
                .or_else(|| event.get("delta"))
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned)
        })
        .collect()
}

#[test]
fn a_character_in_two_halves_is_one_and_a_half_without_its_other_is_told() {
    for said in said(&[b"smile \\ud83d", b"\\ude00 end"]) {
        assert_eq!(said, "smile \u{1f600} end");
    }
    for said in said(&[b"a \\ud83d", b"b \\ude00 c", b"d\\ud83d"]) {
        assert_eq!(said, "a \u{fffd}b \u{fffd} cd\u{fffd}");
    }
}

#[test]
fn bytes_that_are_no_text_are_replaced_and_those_around_them_stay() {
    for said in said(&[b"a\xff\xfeb", b"c\xe2\x82"]) {
        assert_eq!(said, "a\u{fffd}\u{fffd}bc\u{fffd}");
    }
}

#[test]
fn what_says_something_first_may_be_a_half() {
    let mut opening = StreamOpening::of(&CHAT);
    assert!(opening.push(&chat(b"\\ud83d")).is_none());
    assert!(matches!(opening.push(&chat(b"\\ude00")), Some(Ok(()))));
}
