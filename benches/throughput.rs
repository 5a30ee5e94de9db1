//! The cost of a call, a frame, the firmware server and a whole update.
//!
//! Run with `cargo bench --bench throughput`.

use std::hint::black_box;
use std::time::Duration;

use divan::counter::BytesCount;
use divan::{Bencher, Divan};
use otactl::bundle::Bundle;
use otactl::ota;
use otactl::rpc::{Device, Request, frame};
use otactl::sim::{Config, Simulator};
use otactl::transport::{Options, connect};
use otactl::update::serve::FirmwareServer;
use otactl::update::{Event, Observer, Plan, Serving, Source, Success, run};
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

#[path = "../examples/demo_bundle.rs"]
#[expect(dead_code, reason = "its main is for the command line")]
mod demo_bundle;

fn main() {
    Divan::from_args().main();
}

#[divan::bench]
fn frame_encode(bencher: Bencher<'_, '_>) {
    let params = serde_json::json!({"url": "http://192.168.1.2:39581/firmware.zip", "commit_timeout": 300});
    let request = Request::new("OTA.Update", Duration::from_secs(10)).with_params(params);
    bencher.bench(|| black_box(&request).encode(black_box(7), None));
}

#[divan::bench]
fn frame_decode(bencher: Bencher<'_, '_>) {
    let reply = br#"{"id":114,"src":"esp32_AABBCC","result":{"active_slot": 0, "is_committed": true, "revert_slot": 0, "commit_timeout": 0}}"#;
    bencher.counter(BytesCount::new(reply.len())).bench(|| frame::decode(black_box(reply)));
}

#[divan::bench(args = ["ws", "http"])]
fn call(bencher: Bencher<'_, '_>, scheme: &str) {
    let runtime = runtime();
    let (_simulator, device) = runtime.block_on(simulated(scheme));
    bencher.bench_local(|| runtime.block_on(device.call(ota::Ping {})).expect("an answer"));
}

/// The limit is that of loopback and the small send buffer. A device reads 100 KB/s.
#[divan::bench]
fn firmware_server_1_mib(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let demo = demo_bundle::demo_bundle("2.0.0", "esp32").expect("a bundle");
    let (_simulator, server, size) = runtime.block_on(async {
        let (simulator, device) = simulated("ws").await;
        let info = device.call(ota::GetInfo {}).await.expect("an answer");
        let bundle = padded(&demo, 1 << 20);
        let size = bundle.bytes().len();
        let server = FirmwareServer::start(&bundle, &plan(bundle.clone(), &simulator).serving, &info).await;
        (simulator, server.expect("a server"), size)
    });
    let url = server.url();
    let path = url.splitn(4, '/').nth(3).expect("a path").to_owned();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        runtime.block_on(async {
            let mut stream = TcpStream::connect(server.advertised()).await.expect("a connection");
            stream.write_all(format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.expect("sent");
            let mut answer = Vec::with_capacity(size + 1024);
            stream.read_to_end(&mut answer).await.expect("an answer");
            assert!(answer.len() > size, "all of it came");
        });
    });
}

/// A whole update of 321 KiB, from the first read of the device state to the one after the commit.
///
/// The reboot takes no time, but the device announces it 100 ms before, as real devices do.
#[divan::bench(sample_count = 10, sample_size = 1, args = ["ws", "http"])]
fn update(bencher: Bencher<'_, '_>, scheme: &str) {
    let runtime = runtime();
    let bundle = Bundle::from_bytes(demo_bundle::demo_bundle("2.0.0", "esp32").expect("a bundle")).expect("good");
    bencher.with_inputs(|| runtime.block_on(simulated(scheme))).bench_local_values(|(simulator, device)| {
        let result = runtime.block_on(run(&device, &plan(bundle.clone(), &simulator), &IgnoreEvents));
        assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    });
}

struct IgnoreEvents;

impl Observer for IgnoreEvents {
    fn on(&self, _: &Event) {}
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn simulated(scheme: &str) -> (Simulator, Device) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let config = Config { reboot_delay: Duration::ZERO, ..Config::default() };
    let simulator = Simulator::start(config, listener).expect("a device");
    let target = format!("{scheme}://{}", simulator.address()).parse().expect("an address");
    let timeout = Duration::from_secs(10);
    let options = Options { connect_timeout: timeout, ..Options::default() };
    (simulator, Device::new(connect(&target, &options).expect("a client"), timeout))
}

fn plan(bundle: Bundle, simulator: &Simulator) -> Plan {
    let device_host = Some((simulator.address().ip().to_string(), simulator.address().port()));
    let serving = Serving { device_host, ..Serving::default() };
    Plan { serving, ..Plan::new(Source::Bundle(bundle)) }
}

/// Adds a file to a bundle, so that the bundle has this size or a little more.
fn padded(demo: &[u8], size: usize) -> Bundle {
    use otactl::bundle::write::{PartFile, pack};

    let bundle = Bundle::from_bytes(demo.to_vec()).expect("good");
    let filler = vec![0xa5; size];
    let part = PartFile { kind: "data", src: "data.bin", ptn: "data_0", data: &filler };
    let mut manifest = bundle.manifest().clone();
    manifest.parts.clear();
    Bundle::from_bytes(pack(&manifest, &[part]).expect("packed")).expect("good")
}
