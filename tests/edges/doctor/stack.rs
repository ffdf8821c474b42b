//! `redrive --stack`: the settings are those of the stack's function, and nothing else of its
//! environment comes along.

use std::path::Path;
use std::process::{Command, Output};

use callreel::sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use super::standin::StandIn;
use super::world::World;

fn callreel(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_callreel"))
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "sandbox")
        .env("AWS_SECRET_ACCESS_KEY", "sandbox")
        .env("AWS_CONFIG_FILE", "/nowhere")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn redrive_works_with_the_settings_of_the_stacks_function() {
    let folder = tempfile::tempdir().unwrap();
    let made = callreel(
        folder.path(),
        &[],
        &["synth", "--seconds", "5", "--out", "demo"],
    );
    assert!(made.status.success(), "{}", error(&made));
    let data = folder.path().join("data");
    let failures = data.join("buckets/failures");
    std::fs::create_dir_all(&failures).unwrap();
    std::fs::copy(
        folder.path().join("demo/event.json"),
        failures.join("batch"),
    )
    .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sandbox = runtime.block_on(Sandbox::start(Settings {
        streams: folder.path().join("demo/streams"),
        data: data.clone(),
        ..Settings::default()
    }));
    let sandbox = sandbox.unwrap();

    let mut world = World::healthy();
    world.variables()["RECORDINGS_KEY_PREFIX"] = json!("kept/");
    // None of these may come to hold: all requests would go where nobody is.
    for name in ["ENDPOINT_URL", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
        world.variables()[name] = json!("http://127.0.0.1:1");
    }
    let standin = StandIn::start(world);
    let reached = [
        ("AWS_ENDPOINT_URL", sandbox.url()),
        ("AWS_ENDPOINT_URL_LAMBDA", standin.url()),
        // The stack's settings are meant, and not these.
        ("RECORDINGS_BUCKET_NAME", "elsewhere"),
        ("RECORDINGS_KEY_PREFIX", "elsewhere/"),
    ];
    let from_batches = ["--failure-bucket", "s3://failures", "--json"];
    let redrive = |stack: &str| {
        let arguments = [&["redrive", "--stack", stack][..], &from_batches].concat();
        callreel(folder.path(), &reached, &arguments)
    };
    let ran = redrive("callreel");
    assert!(ran.status.success(), "{}", error(&ran));
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(report["plan"][0]["step"], "record", "{report}");
    assert!(data.join("buckets/calls/kept").is_dir());
    assert!(!data.join("buckets/elsewhere").exists());
    assert_eq!(standin.unknown_calls(), [""; 0]);

    let strange = redrive("nobodys");
    assert_eq!(strange.status.code(), Some(1));
    assert!(
        error(&strange).starts_with("error: the stack nobodys has no function"),
        "{}",
        error(&strange)
    );
}
