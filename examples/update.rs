//! Updates one device, and prints what happens.
//!
//! ```sh
//! cargo run --example update -- ws://192.168.1.5 fw.zip
//! ```
//!
//! `otactl simulate` starts a simulated device, for a try without a board.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use otactl::bundle::Bundle;
use otactl::rpc::Device;
use otactl::transport::target::Target;
use otactl::transport::{self, Options};
use otactl::update::{self, Event, Observer, Plan, Serving, Source, Success};

/// Prints the events of an update. An observer must not block: the update calls it directly.
struct Printer;

impl Observer for Printer {
    fn on(&self, event: &Event) {
        match event {
            Event::Device { id, app, build, .. } => println!("{id} runs {app} {build}"),
            Event::Sent { bytes, total } => println!("sent {bytes} of {total} bytes"),
            Event::Back { build, .. } => println!("the device is back with {build}"),
            // The library may gain events, so a match needs this arm. Every event can be printed for debugging, and as JSON.
            other => println!("{other:?}"),
        }
    }
}

/// Installs the bundle in the file on the device at `address`, and commits it.
pub(crate) async fn update(address: &str, file: &Path) -> Result<Success, Box<dyn Error>> {
    // The bundle is verified here, before anything is sent to the device.
    let bundle = Bundle::read(file)?;
    let target: Target = address.parse()?;
    // The first call opens the connection.
    let client = transport::connect(&target, &Options::default())?;
    let device = Device::new(client, Duration::from_secs(10));
    let plan = Plan {
        // The device downloads the bundle from this process, which serves it on the address that routes to the device.
        serving: Serving { device_host: target.device_host(), ..Serving::default() },
        ..Plan::new(Source::Bundle(bundle))
    };
    Ok(update::run(&device, &plan, &Printer).await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, file] = arguments.as_slice() else {
        eprintln!("usage: update ADDRESS FILE");
        return ExitCode::from(2);
    };
    match update(address, Path::new(file)).await {
        Ok(Success::Updated(running)) => println!("the device runs {running}, committed"),
        Ok(Success::AlreadyCurrent(running)) => println!("the device already runs {running}, committed"),
        // Both need a plan that asks for them.
        Ok(Success::LeftUncommitted { .. } | Success::Planned) => println!("the firmware is not committed"),
        Err(error) => {
            eprintln!("the update failed: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
