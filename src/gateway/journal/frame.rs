//! One row as one line that tells whether it is whole.

use crate::base::json;
use crate::store::UsageRow;
use std::sync::Arc;
use uuid::Uuid;

/// Of the checksum (CRC-32 of ISO 3309): eight hexadecimal digits and a blank.
const HEAD: usize = 9;

/// The longest line. What a client can make long is shortened to fit.
pub(super) const LONGEST_LINE: usize = 16 << 10;
/// What texts are shortened to then, in characters.
const SHORTENED: usize = 256;

/// Writes the line of `row` into `buffer`, in no more than [`LONGEST_LINE`]; returns the row as it
/// stands there.
pub(super) fn encode_bounded(row: UsageRow, buffer: &mut Vec<u8>) -> UsageRow {
    encode(&row, buffer);
    if buffer.len() <= LONGEST_LINE {
        return row;
    }
    let row = shortened(&row);
    encode(&row, buffer);
    row
}

/// The row with every text cut to a sensible length.
fn shortened(row: &UsageRow) -> UsageRow {
    let cut = |text: &str| text.chars().take(SHORTENED).collect::<String>();
    let cut_shared = |text: &Arc<str>| Arc::<str>::from(cut(text));
    UsageRow {
        request_id: cut_shared(&row.request_id),
        key_id: cut_shared(&row.key_id),
        api: cut(&row.api).into(),
        model: cut_shared(&row.model),
        provider: row.provider.as_ref().map(cut_shared),
        upstream_model: row.upstream_model.as_ref().map(cut_shared),
        mode: cut(&row.mode).into(),
        user_id: row.user_id.as_ref().map(cut_shared),
        price_version: row.price_version.as_ref().map(cut_shared),
        ..row.clone()
    }
}

/// Writes the line of `row` into `buffer`, replacing what is in it. By hand, because it is done
/// under the journal's lock for every request; [`decode`] reads it as `UsageRow` is declared.
pub(super) fn encode(row: &UsageRow, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.extend_from_slice(b"00000000 {\"id\":\"");
    buffer
        .extend_from_slice(row.id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    buffer.extend_from_slice(b"\",\"at\":\"");
    json::instant(buffer, row.at);
    buffer.push(b'"');
    // JSON has no raw line feed: it is written as `\n` in strings, and we add none.
    for (name, text) in [
        (r#","request_id":"#, Some(&*row.request_id)),
        (r#","key_id":"#, Some(&*row.key_id)),
        (r#","api":"#, Some(&*row.api)),
        (r#","model":"#, Some(&*row.model)),
        (r#","provider":"#, row.provider.as_deref()),
        (r#","upstream_model":"#, row.upstream_model.as_deref()),
        (r#","mode":"#, Some(&*row.mode)),
        (r#","user_id":"#, row.user_id.as_deref()),
        (r#","outcome":"#, Some(row.outcome.word())),
        (r#","price_version":"#, row.price_version.as_deref()),
    ] {
        if let Some(text) = text {
            buffer.extend_from_slice(name.as_bytes());
            json::text(buffer, text);
        }
    }
    for (name, count) in [
        (r#","status":"#, Some(u64::from(row.status))),
        (r#","attempt":"#, Some(u64::from(row.attempt))),
        (r#","input_tokens":"#, row.input_tokens),
        (r#","cached_tokens":"#, row.cached_tokens),
        (r#","cache_write_5m_tokens":"#, row.cache_write_5m_tokens),
        (r#","cache_write_1h_tokens":"#, row.cache_write_1h_tokens),
        (r#","output_tokens":"#, row.output_tokens),
        (r#","reasoning_tokens":"#, row.reasoning_tokens),
        (r#","latency_ms":"#, Some(row.latency_ms)),
    ] {
        if let Some(count) = count {
            buffer.extend_from_slice(name.as_bytes());
            json::number(buffer, count);
        }
    }
    if let Some(cost) = row.cost_nano_usd {
        let sign: &[u8] = if cost < 0 { b"-" } else { b"" };
        buffer.extend_from_slice(br#","cost_nano_usd":"#);
        buffer.extend_from_slice(sign);
        json::number(buffer, cost.unsigned_abs());
    }
    let streamed: &[u8] =
        if row.streamed { br#","streamed":true}"# } else { br#","streamed":false}"# };
    buffer.extend_from_slice(streamed);
    let checksum = crc32fast::hash(buffer.get(HEAD..).unwrap_or_default());
    for (place, shift) in buffer.iter_mut().zip((0..8).rev()) {
        let digit = usize::try_from((checksum >> (4 * shift)) & 0xf).unwrap_or(0);
        *place = b"0123456789abcdef".get(digit).copied().unwrap_or(b'0');
    }
    buffer.push(b'\n');
}

/// The row of a line without its line feed; `None` if it is torn or damaged.
pub(super) fn decode(line: &[u8]) -> Option<UsageRow> {
    let (head, body) = line.split_at_checked(HEAD)?;
    let (digits, blank) = head.split_at_checked(HEAD - 1)?;
    let expected = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    if blank != b" " || expected != crc32fast::hash(body) {
        return None;
    }
    serde_json::from_slice(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::usage_row;

    #[test]
    fn a_line_survives_and_no_damage_passes() {
        let mut row = usage_row(1);
        row.model = "line\nfeed \u{0} \"quoted\" \u{1f600}".into();
        row.price_version = Some("2026-11".into());
        row.user_id = Some("someone".into());
        row.cache_write_5m_tokens = Some(5);
        row.cache_write_1h_tokens = Some(6);
        row.cost_nano_usd = Some(i64::MIN);
        row.cached_tokens = Some(u64::MAX);
        let mut line = Vec::new();
        encode(&row, &mut line);
        assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1);
        assert_eq!(line.pop(), Some(b'\n'));
        assert_eq!(decode(&line), Some(row.clone()));
        let by_hand: serde_json::Value = serde_json::from_slice(&line[HEAD..]).unwrap();
        let mut derived = serde_json::to_value(&row).unwrap();
        // The fraction of the second is written with its zeros.
        derived["at"] = by_hand["at"].clone();
        assert_eq!(by_hand, derived, "no field is left out");
        for cut in 0..line.len() {
            assert_eq!(decode(&line[..cut]), None, "cut at {cut}");
        }
        for at in 0..line.len() {
            let mut damaged = line.clone();
            damaged[at] ^= 0x10;
            assert!(decode(&damaged).is_none(), "flipped at {at}");
        }
    }

    #[test]
    fn a_line_of_an_older_version_is_read() {
        let json = br#"{"id":"01900000-0000-7000-8000-000000000001","at":"2026-09-21T14:13:21Z","request_id":"r","key_id":"k","api":"openai","model":"m","mode":"real","outcome":"ok","status":200,"attempt":1,"input_tokens":3,"latency_ms":12,"streamed":true}"#;
        let mut line = format!("{:08x} ", crc32fast::hash(json)).into_bytes();
        line.extend_from_slice(json);
        let row = decode(&line).unwrap();
        assert_eq!(
            (row.input_tokens, row.cache_write_5m_tokens, row.user_id),
            (Some(3), None, None)
        );
    }
}
