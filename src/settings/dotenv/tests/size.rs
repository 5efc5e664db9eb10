//! Large and hostile files: steps, memory and bounds.

use super::super::*;
use super::read;
use std::path::Path;

#[test]
fn a_line_costs_little_memory() {
    assert!(size_of::<Line>() <= 56, "{}", size_of::<Line>());
    let document = parse(Path::new(".env"), &b"1\n".repeat(1000), &mut Vec::new());
    assert_eq!((document.lines.len(), document.lines.capacity()), (1000, 1002));
}

/// A kind of text by its name, in any size.
type Shape = (&'static str, fn(usize) -> String);

/// How many characters are taken for reading a text.
fn steps(text: &str) -> u64 {
    let before = cursor::STEPS.with(std::cell::Cell::get);
    read(text);
    cursor::STEPS.with(std::cell::Cell::get) - before
}

#[test]
fn reading_takes_steps_in_proportion_to_the_size() {
    let shapes: [Shape; 11] = [
        ("lines", |n| (0..n).map(|i| format!("V{i}=value # {i}\n")).collect()),
        ("one value", |n| format!("A='{}'", "x".repeat(n))),
        ("one unquoted value", |n| format!("A={}", "x ".repeat(n))),
        ("open references", |n| "${".repeat(n)),
        ("nested references", |n| format!("A={}", "${A:-".repeat(n))),
        ("closed nested references", |n| format!("A={}{}", "${A:-".repeat(n), "}".repeat(n))),
        ("open references in quotes", |n| format!("A=\"{}\"", "${A:-x".repeat(n))),
        ("open quotes", |n| "A=\"\n".repeat(2 * n + 1)),
        ("open quotes of two kinds", |n| "A='x\nB=\"y\n".repeat(n)),
        ("open quotes with escapes", |n| "A=\"\\\"\n".repeat(n)),
        ("quotes in words", |n| "A=\"${B:-\n".repeat(n)),
    ];
    for (shape, text) in shapes {
        let (small, large) = (text(2_000), text(16_000));
        let size = large.len() as f64 / small.len() as f64;
        let cost = steps(&large) as f64 / steps(&small).max(1) as f64;
        assert!(cost <= size * 1.2, "{shape}: {size} times the size costs {cost} times the steps");
        assert!(steps(&large) <= 100 * large.len() as u64, "{shape}: {}", steps(&large));
    }
}

#[test]
fn references_cannot_make_a_file_grow_without_bounds() {
    let mut doubling = "A0=xxxxxxxxxxxxxxxx\n".to_owned();
    for n in 0..60 {
        doubling.push_str(&format!("A{}=${{A{n}}}${{A{n}}}\n", n + 1));
    }
    let (entries, problems) = read(doubling);
    assert!(entries.iter().map(|(_, v)| v.len()).sum::<usize>() <= 64 << 20);
    assert_eq!(problems.last().unwrap().code, "too-large");
    assert!(!problems.last().unwrap().to_string().contains("xx"));
    // Looking at a long value often copies it never.
    let long = format!("A='{}'\nB={}", "x".repeat(1 << 20), "${A:+y}".repeat(50_000));
    assert_eq!(read(long).0[1].1, "y".repeat(50_000));
    // A long chain keeps no list of all that went before.
    let chain: String = (1..20_000).map(|n| format!("A{n}=${{A{}}}\n", n - 1)).collect();
    assert_eq!(read(format!("A0=x\n{chain}")).0.len(), 20_000);
}

#[test]
fn large_files_are_read_whole() {
    let text: String = (0..1_000_000).map(|n| format!("V{n}={n}\n")).collect();
    let (entries, problems) = read(&text);
    assert_eq!((entries.len(), problems), (1_000_000, Vec::new()));
    assert_eq!(entries[999_999].1, "999999");
    let value = "x".repeat(1 << 20);
    assert_eq!(read(format!("A='{value}'")).0[0].1, value);
    for bytes in [vec![b'\0'; 1 << 20], vec![0xff; 1 << 20]] {
        assert_eq!(read(bytes).1.last().unwrap().code, "more-problems");
    }
}
