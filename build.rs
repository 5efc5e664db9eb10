//! How the binary is linked.

use std::env;

#[expect(clippy::disallowed_methods, reason = "what cargo says of the target stands there")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    // At a fixed address there is nothing to relocate at every start (docs/adr/0011). Where the C
    // library is part of the binary, how it is linked is the toolchain's affair.
    let fixed = target("OS") == "linux" && target("ENV") == "gnu";
    let own_libc = target("FEATURE").split(',').any(|feature| feature == "crt-static");
    if fixed && !own_libc {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
