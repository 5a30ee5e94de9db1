//! `examples/update.rs` against the simulated device.

#[path = "../examples/update.rs"]
#[expect(dead_code, reason = "its main is for the command line")]
mod example;

use std::path::Path;
use std::time::Duration;

use otactl::sim::{Config, Simulator};
use otactl::update::Success;
use tokio::net::TcpListener;

#[tokio::test]
async fn example_updates_the_device_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let config = Config { reboot_delay: Duration::from_millis(50), ..Config::default() };
    let device = Simulator::start(config, listener).expect("a device");
    let address = format!("ws://{}", device.address());
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/demo-2.0.0-esp32.zip");
    for is_first in [true, false] {
        let success = example::update(&address, &bundle).await.expect("the update succeeds");
        let (Success::Updated(running) | Success::AlreadyCurrent(running)) = &success else { panic!("{success:?}") };
        assert_eq!(running.build.version, "2.0.0", "{success:?}");
        assert_eq!(matches!(success, Success::Updated(_)), is_first, "{success:?}");
    }
}
