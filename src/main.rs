//! The process entry: everything is in the library.

fn main() -> std::process::ExitCode {
    ultra::main()
}
