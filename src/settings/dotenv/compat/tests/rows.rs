//! Files for the programs: the examples, and what is more than a line.

use super::super::examples::EXAMPLES;

/// The file of a row.
pub(super) fn file(line: &str) -> Vec<u8> {
    let (mark, line) = line.strip_prefix('\u{feff}').map_or(("", line), |rest| ("\u{feff}", rest));
    if mark.is_empty() {
        format!("PLAIN=abc\n{line}\nLATER=later\n").into_bytes()
    } else {
        format!("{mark}{line}\nLATER=later\n").into_bytes()
    }
}

/// The variable of a row.
pub(super) fn name(line: &str) -> &str {
    let line = line.trim_start_matches('\u{feff}');
    let line = line.strip_prefix("export ").unwrap_or(line);
    line.split(['=', ':', '\n']).next().unwrap().trim()
}

/// All files: the rows and those that are no single line.
pub(super) fn files() -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = EXAMPLES.iter().map(|(line, _)| file(line)).collect();
    files.extend([
        b"X=a\r\nY='b'\r\nZ=\"c\r\nd\"\r\n".to_vec(),
        b"\xef\xbb\xbfX=1\nY=2\n".to_vec(),
        b"X=1\nX=2\nY=$X-${X}\nX=3\n".to_vec(),
        b"KEY=\"-----BEGIN\nline one\nline=two\n-----END\"\nY=1\n".to_vec(),
        b"X='a\nY=1\nZ='b'\n".to_vec(),
        b"X=\xff\xfe\nY=1\n".to_vec(),
        b"# it's a comment\nX=1 # it's one too\nY=2\n".to_vec(),
        b"  X=1  \n\tY = 2\t\n\n\n#\nZ=3".to_vec(),
        b"1X=a\nX1=b\n_x=c\n".to_vec(),
        b"X=a=b=c\nY==\n".to_vec(),
        b"X=\"\"\"a\nb\"\"\"\nY=1\n".to_vec(),
        b"A=1\n\nB: 2\nC\nD=4\n".to_vec(),
        b"X=${Y}\nY=1\nZ=${X:-unset}${Y:-no}\n".to_vec(),
        [b"X=".as_slice(), &b"long ".repeat(200_000), b"\nY=1\n"].concat(),
        [b"X=\"".as_slice(), &b"long ".repeat(200_000), b"\"\nY=1\n"].concat(),
        b"".to_vec(),
        b"\n".to_vec(),
        b"X".to_vec(),
        b"X=".to_vec(),
    ]);
    files
}
