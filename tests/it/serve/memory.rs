//! The memory of a server holds secrets: it is kept out of core dumps.

use crate::support::{Server, Ultra};

#[test]
fn a_server_leaves_no_core() {
    let ultra = Ultra::empty();
    // Even where the operator's shell allows cores.
    let server = Server::wrapped(&ultra, "ulimit -c unlimited", &["--mock"]);
    let pid = server.pid();
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let numbers: Vec<&str> = cores.split_whitespace().skip(4).take(2).collect();
    assert_eq!(numbers, ["0", "0"], "{cores}");
    server.stop();
}
