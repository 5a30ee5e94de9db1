//! Calls over a simulated UART of 115200 baud, with small buffers and a slow adapter, compared with their limits.
//!
//! Run with `cargo bench --bench serial`.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(not(unix))]
fn main() {
    println!("a serial port can be simulated on Unix only");
}

#[cfg(unix)]
mod unix {
    use std::time::Duration;

    use otactl::ota;
    use otactl::rpc::Device;
    use otactl::sim::{self, Simulator, ports::uart};
    use otactl::transport::target::Target;
    use otactl::transport::{self, Options};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;
    use tokio::time::Instant;

    /// The duration of a byte at 115200 baud.
    const SECONDS_PER_BYTE: f64 = 10.0 / 115_200.0;

    const PAUSE: Duration = Duration::from_millis(20);
    const PAUSE_AFTER: usize = 512;

    /// The number and the size of the calls: together 100 KiB.
    const CALL_COUNT: usize = 200;
    const CALL_SIZE: usize = 512;

    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn main() {
        list().await;
        pauses().await;
        no_flow_control().await;
    }

    /// Starts a device on a serial port. Returns it, calls to it, and a task that counts the calls that reach it.
    async fn device(uart: uart::UartConfig) -> (Simulator, Device, JoinSet<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut simulator = Simulator::start(sim::Config::default(), listener).expect("a device");
        let path = simulator.serve_serial(uart).expect("a pseudo terminal");
        let mut console = simulator.console();
        let mut seen = JoinSet::new();
        seen.spawn(async move {
            let mut calls = 0;
            while console.recv().await.is_ok() {
                calls += 1;
            }
            calls
        });
        let client = transport::connect(&Target::Serial(path), &Options::default()).expect("a client");
        (simulator, Device::new(client, Duration::from_secs(120)), seen)
    }

    /// Compares the median of one call with the time of its bytes on the line.
    async fn list() {
        let (_simulator, device, _seen) = device(uart::UartConfig::default()).await;
        let mut times = Vec::new();
        let mut answer = serde_json::Value::Null;
        for _ in 0..21 {
            let started = Instant::now();
            answer = device.call_value(ota::ListMethods {}).await.expect("an answer");
            times.push(started.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        // The request is `{"id":1234567890,"method":"RPC.List"}`, a CRC and a line end. The reply has two line ends, an
        // id and a source.
        let request = 37 + 9;
        let reply = answer.to_string().len() + r#"{"id":1234567890,"src":"esp32_AABBCC","result":}"#.len() + 10;
        let needed = seconds(request + reply);
        report("call RPC.List, median of 21", times[10], 1.3 * needed, "1.3 times what its bytes need");
    }

    async fn pauses() {
        let uart = uart::UartConfig { pause: Some((PAUSE_AFTER, PAUSE)), ..uart::UartConfig::default() };
        let (took, bytes, seen) = load(uart).await;
        let pauses = f64::from(u32::try_from(bytes / PAUSE_AFTER).unwrap_or(u32::MAX)) * PAUSE.as_secs_f64();
        let needed = seconds(bytes) + pauses;
        report("100 KiB, 20 ms pause after every 512 bytes", took, needed / 0.9, "line and pauses, at 90 %");
        let line = seconds(bytes);
        println!(
            "    the line alone needs {line:.2} s; {} of {CALL_COUNT} frames had to be sent again",
            seen - CALL_COUNT
        );
    }

    async fn no_flow_control() {
        let pause = Some((PAUSE_AFTER, Duration::from_millis(60)));
        let uart = uart::UartConfig { pause, flow_control: false, ..uart::UartConfig::default() };
        let (took, bytes, seen) = load(uart).await;
        // The speed of mos: 16 bytes every 5 ms, after a handshake of 50 ms for each frame.
        let mos = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 3200.0 + 0.05 * 200.0;
        report("100 KiB, 60 ms pauses, no flow control", took, mos, "what 16 bytes every 5 ms take");
        println!("    {CALL_COUNT} calls were all answered, {seen} arrived");
    }

    /// Makes 100 KiB of concurrent calls. Returns the seconds, the bytes, and the number of calls that reached the
    /// device.
    async fn load(uart: uart::UartConfig) -> (f64, usize, usize) {
        let (simulator, device, mut seen) = device(uart).await;
        let started = Instant::now();
        let mut calls = JoinSet::new();
        let frame = r#"{"id":1234567890,"method":"RPC.Describe","params":{"name":""}}"#.len() + 9;
        for number in 0..CALL_COUNT {
            let device = device.clone();
            let params = serde_json::json!({"name": format!("{number:x<0$}", CALL_SIZE - frame)});
            calls.spawn(async move { device.call_raw("RPC.Describe", params, true, Duration::from_secs(120)).await });
        }
        while let Some(answer) = calls.join_next().await {
            let error = answer.expect("no panic").expect_err("there is no such method");
            assert!(error.remote_error().is_some_and(|error| error.code == 404), "{error:?}");
        }
        let took = started.elapsed().as_secs_f64();
        drop(simulator);
        let seen = seen.join_next().await.expect("a count").expect("no panic");
        (took, CALL_COUNT * CALL_SIZE, seen)
    }

    fn seconds(bytes: usize) -> f64 {
        f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) * SECONDS_PER_BYTE
    }

    fn report(name: &str, took: f64, limit: f64, why: &str) {
        let verdict = if took <= limit { "kept" } else { "NOT KEPT" };
        println!("{name}\n    {:>9.1} ms   limit {:>9.1} ms ({why}), {verdict}", took * 1e3, limit * 1e3);
    }
}
