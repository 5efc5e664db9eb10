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

/// More than a MiB.
fn long() -> Vec<u8> {
    b"long ".repeat((1 << 20) / 5 + 1)
}

/// Files that no model follows to their end, one for each thing that has none.
pub(super) fn endless() -> Vec<Vec<u8>> {
    let mut doubling = String::from("A0=xxxxxxxxxxxxxxxx\n");
    for n in 0..32 {
        doubling.push_str(&format!("A{}=${{A{n}}}${{A{n}}}\n", n + 1));
    }
    let wide = format!("A={}\nB={}\n", "x".repeat(1 << 20), "${A}".repeat(100_000));
    let mut files = vec![doubling, wide, format!("A={}\n", "${A:-".repeat(100_000))];
    files.push(format!("Y=1\nA={}{}\n", "${A:-".repeat(100_000), "}".repeat(100_000)));
    files.push(format!("A={}\n", "\"$(".repeat(100_000)));
    files.push(format!("A={}\n", "${#".repeat(100_000)));
    files.push(format!("A={}\nB={}\n", "x".repeat(1 << 20), "${A:+y}".repeat(100_000)));
    files.into_iter().map(String::into_bytes).collect()
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
        [b"X=".as_slice(), &long(), b"\nY=1\n"].concat(),
        [b"X=\"".as_slice(), &long(), b"\"\nY=1\n"].concat(),
        b"X=1\0Y\nZ=2\n".to_vec(),
        b"\0X=1\n".to_vec(),
        b"A=1\nX='a\0b'\nZ=2\n".to_vec(),
        b"X=1\xe2\x80\xa8Y=2\nZ=a\xe2\x80\xa9W='b'\xe2\x80\xa8\n".to_vec(),
        b"X=`` Y=1\n``A=1\nB=$()\nC=\"$( )\"\n$() D=``d\n".to_vec(),
        format!("X={}\nY=1\n", "${A:-1}".repeat(40)).into_bytes(),
        format!("X={}\nY=1\n", "${A-}".repeat(4000)).into_bytes(),
        format!("Y=1\nX={}x{}\nZ=1\n", "${A:-".repeat(30), "}".repeat(30)).into_bytes(),
        b"A=x\nX=${A:-${B}\nY=1\n".to_vec(),
        b"X=${A:-${B}\nY=1\n".to_vec(),
        b"A=x\nX=${A:-${B:?e}}\n".to_vec(),
        b"X=${A:+${B:?e}}\n".to_vec(),
        b"A=x\nX=${A:?${}}\n".to_vec(),
        b"A=x\nX=${A:?$}${A:-{}\nY=${A:-{}y\nZ=${N:-a{b{}}c}}y${A}\n".to_vec(),
        b"A=x\nX=${N:-{x}${A}\n".to_vec(),
        b"A=x\nX=${N:-{}}y${A}\n".to_vec(),
        b"A=x\nX=${N:-{{}}}y${A}\nY=${N:-{\"k\":{\"a\":1}}}${A}\n".to_vec(),
        b"X=${A:-\xc5\xbf}$\xc5\xbf${\xe2\x84\xaa}\nY=1\n".to_vec(),
        b"X='' # c\nY=1\n".to_vec(),
        b"export X=1 <nofile; Y=2\nZ=3 <nofile\nexport W=1 <<<a\n".to_vec(),
        b"X=`<`; Y=2\nZ=3\nexport W=`\t<`\n".to_vec(),
        b"".to_vec(),
        b"\n".to_vec(),
        b"X".to_vec(),
        b"X=".to_vec(),
    ]);
    files
}
