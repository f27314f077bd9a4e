//! The scenarios through lapin.
//!
//!     scenarios HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...]

mod scenarios;
mod support;

use std::panic::AssertUnwindSafe;

use futures_lite::FutureExt;

/// The version that Cargo.lock pins.
fn version() -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let entry = lock.split("[[package]]").find(|entry| entry.contains("\nname = \"lapin\"\n"));
    let line = entry.and_then(|entry| entry.lines().find(|line| line.starts_with("version = ")));
    line.map_or("unknown", |line| line["version = ".len()..].trim_matches('"'))
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    support::set_nodes(&arguments.next().expect("the nodes"));
    println!("version {}", version());
    std::panic::set_hook(Box::new(|_| ())); // it is told below
    let named: Vec<String> = arguments.collect();
    let wanted = if named.is_empty() {
        scenarios::NAMES.iter().map(|name| name.to_string()).collect()
    } else {
        named
    };
    for name in wanted {
        match AssertUnwindSafe(scenarios::play(&name)).catch_unwind().await {
            Ok(Ok(())) => println!("ok {name}"),
            Ok(Err(error)) => println!("not ok {name}: {}", error.to_string().replace('\n', " ")),
            Err(panic) => {
                let literal = panic.downcast_ref::<&str>().unwrap_or(&"a panic");
                let why = panic.downcast_ref::<String>().map_or(*literal, String::as_str);
                println!("not ok {name}: {}", why.replace('\n', " "));
            }
        }
    }
}
