//! The command line: see `callreel --help`. Holds no logic.

fn main() -> std::process::ExitCode {
    callreel::cli::main()
}
