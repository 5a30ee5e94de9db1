//! Pushes of 100 KiB to a device that is far away, to a slow one, and over a simulated UART, compared with their
//! limits.
//!
//! Run with `cargo bench --bench push`.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::time::Duration;

use bytes::Bytes;
use otactl::bundle::Manifest;
use otactl::bundle::write::{PartFile, pack};
use otactl::ota;
use otactl::rpc::Device;
use otactl::rpc::frame::MAX_REQUEST;
use otactl::sim::{Config, Simulator};
use otactl::transport::{self, Options};
use otactl::update::device_state::DeviceState;
use otactl::update::push::{PushLimits, Pushed, chunk_size, device_timeout, push};
use otactl::update::timeouts::Timeouts;
use otactl::update::{Event, Observer};
use tokio::net::TcpListener;
use tokio::time::Instant;

const BUNDLE_SIZE: usize = 100 << 10;

/// The delay of a reply, and the time of the slow device for each piece.
const DELAY: Duration = Duration::from_millis(20);

struct IgnoreEvents;

impl Observer for IgnoreEvents {
    fn on(&self, _: &Event) {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (simulator, device) = delayed_device(Config { reply_delay: DELAY, ..Config::default() }).await;
    let seconds = send(&device).await;
    drop(simulator);
    // 4.8 s is the assumed time of pieces of 512 bytes, each of which waits for the reply to the one before.
    report("WebSocket, 20 ms for the way of each reply", seconds, 0.48, "a tenth of 512 bytes at a time");

    let (simulator, device) = delayed_device(Config { write_time: DELAY, ..Config::default() }).await;
    let seconds = send(&device).await;
    drop(simulator);
    let head = r#"{"id":1234567890,"method":"OTA.Write","params":{"offset":100000,"data":""}}"#.len();
    let pieces = BUNDLE_SIZE.div_ceil((MAX_REQUEST - 1 - head) / 4 * 3);
    let limit = 1.1 * f64::from(count(pieces)) * DELAY.as_secs_f64();
    report("WebSocket, 20 ms of the device for each piece", seconds, limit, "1.1 times what the pieces need");
    println!(
        "    {} pieces of {} bytes",
        BUNDLE_SIZE.div_ceil(chunk_size(&device, BUNDLE_SIZE as u64)),
        chunk_size(&device, BUNDLE_SIZE as u64)
    );

    #[cfg(unix)]
    {
        serial().await;
        serial_without_flow_control().await;
    }
}

async fn simulator(config: Config) -> Simulator {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    Simulator::start(config, listener).expect("a device")
}

async fn delayed_device(config: Config) -> (Simulator, Device) {
    let simulator = simulator(config).await;
    let device = connect(&format!("ws://{}", simulator.address()));
    (simulator, device)
}

#[cfg(unix)]
async fn serial() {
    let mut simulator = simulator(Config::default()).await;
    let path = simulator.serve_serial(otactl::sim::ports::uart::UartConfig::default()).expect("a pseudo terminal");
    let device = connect(&path.display().to_string());
    let seconds = send(&device).await;
    // 90 % of what base64 leaves of 11520 bytes per second.
    let limit = f64::from(count(BUNDLE_SIZE)) / (0.9 * 11_520.0 * 0.75);
    report("UART of 115200 baud", seconds, limit, "90 % of what base64 leaves of the line");
    println!("    {:.0} bytes of firmware per second; mos: 1049", f64::from(count(BUNDLE_SIZE)) / seconds);
}

/// Measures a device that writes flash for 60 ms after every 512 bytes, reads nothing meanwhile, and does not signal
/// that.
#[cfg(unix)]
async fn serial_without_flow_control() {
    use otactl::sim::ports::uart;

    const PAUSE: (usize, Duration) = (512, Duration::from_millis(60));

    let mut simulator = simulator(Config::default()).await;
    let uart = uart::UartConfig { pause: Some(PAUSE), flow_control: false, ..uart::UartConfig::default() };
    let path = simulator.serve_serial(uart).expect("a pseudo terminal");
    let device = connect(&path.display().to_string());
    let seconds = send(&device).await;
    let bytes = BUNDLE_SIZE * 4 / 3;
    let line = f64::from(count(bytes)) / 11_520.0;
    let pauses = f64::from(count(bytes / PAUSE.0)) * PAUSE.1.as_secs_f64();
    report(
        "UART of 115200 baud, 60 ms pauses, no flow control",
        seconds,
        1.5 * (line + pauses),
        "1.5 times line and pauses",
    );
}

fn connect(port: &str) -> Device {
    let target = port.parse().expect("an address");
    let client = transport::connect(&target, &Options::default()).expect("a client");
    Device::new(client, Duration::from_secs(10))
}

/// Pushes the firmware. Returns the seconds from the first request to the last reply.
async fn send(device: &Device) -> f64 {
    let bundle = bundle();
    // The connection is established before the measurement, as an update reads the device state first.
    let before = DeviceState::read(device, device.timeout()).await.expect("an answer");
    let timeout = device_timeout(
        BUNDLE_SIZE as u64,
        before.round_trip(),
        device.window(),
        chunk_size(device, BUNDLE_SIZE as u64),
    );
    let limits = PushLimits { commit_timeout: 60, timeout, total: None, timeouts: Timeouts::default() };
    let started = Instant::now();
    let pushed = push(device, &bundle, &before, limits, &IgnoreEvents).await.expect("sent");
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(pushed, Pushed::Confirmed);
    let boot = device.call(ota::GetBootState {}).await.expect("a boot state");
    assert!(!boot.is_committed && boot.active_slot == Some(1), "the device has the firmware: {boot:?}");
    seconds
}

/// Packs a bundle of exactly [`BUNDLE_SIZE`] bytes.
fn bundle() -> Bytes {
    let manifest = serde_json::json!({
        "name": "demo", "platform": "esp32", "version": "2.0.0", "build_id": "b2", "parts": {},
    });
    let manifest: Manifest = serde_json::from_value(manifest).expect("a manifest");
    let pack_data_of = |size: usize| {
        let data = vec![7; size];
        let part = |kind, src, ptn, data| PartFile { kind, src, ptn, data };
        pack(&manifest, &[part("app", "app.bin", "app_0", &data), part("fs", "fs.bin", "fs_0", &data[..100])])
            .expect("a zip")
    };
    let overhead = pack_data_of(BUNDLE_SIZE).len() - BUNDLE_SIZE;
    let bundle = pack_data_of(BUNDLE_SIZE - overhead);
    assert_eq!(bundle.len(), BUNDLE_SIZE);
    bundle.into()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("a small number")
}

fn report(name: &str, seconds: f64, limit: f64, why: &str) {
    let verdict = if seconds <= limit { "kept" } else { "NOT KEPT" };
    println!("{name}\n    {:>9.1} ms   limit {:>9.1} ms ({why}), {verdict}", seconds * 1e3, limit * 1e3);
}
