//! One row as one line that tells whether it is whole.

use crate::store::UsageRow;
use std::io::Write as _;

/// Of the checksum: eight hexadecimal digits and a blank.
const HEAD: usize = 9;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// Writes the line of `row` into `buffer`, replacing what is in it.
pub(super) fn encode(row: &UsageRow, buffer: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    buffer.clear();
    buffer.extend_from_slice(b"00000000 ");
    // JSON has no raw line feed: it is written as `\n` in strings, and we add none.
    serde_json::to_writer(&mut *buffer, row)?;
    let body = buffer.get(HEAD..).unwrap_or_default();
    let checksum = CRC.checksum(body);
    let mut head = [0_u8; HEAD];
    // Nine bytes always have room for nine bytes.
    let _ = write!(head.as_mut_slice(), "{checksum:08x} ");
    if let Some(place) = buffer.get_mut(..HEAD) {
        place.copy_from_slice(&head);
    }
    buffer.push(b'\n');
    Ok(())
}

/// The row of a line without its line feed; `None` if it is torn or damaged.
pub(super) fn decode(line: &[u8]) -> Option<UsageRow> {
    let (head, body) = line.split_at_checked(HEAD)?;
    let (digits, blank) = head.split_at_checked(HEAD - 1)?;
    let expected = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    if blank != b" " || expected != CRC.checksum(body) {
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
        row.model = "line\nfeed \u{0} \"quoted\" \u{1f600}".to_owned();
        let mut line = Vec::new();
        encode(&row, &mut line).unwrap();
        assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1);
        assert_eq!(line.pop(), Some(b'\n'));
        assert_eq!(decode(&line), Some(row));
        for cut in 0..line.len() {
            assert_eq!(decode(&line[..cut]), None, "cut at {cut}");
        }
        for at in 0..line.len() {
            let mut damaged = line.clone();
            damaged[at] ^= 0x10;
            assert!(decode(&damaged).is_none(), "flipped at {at}");
        }
    }
}
