//! Whole processes, from start to end, compared with their limits: `call` over WebSocket and HTTP beside `curl` with
//! the same POST, `--version`, and memory.
//!
//! Run with `cargo bench --bench startup`.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use otactl::sim::{Config, Simulator};
use tokio::net::TcpListener;

const RUNS: usize = 200;

fn main() {
    let (address, _device) = device();
    let otactl = env!("CARGO_BIN_EXE_otactl");
    let ws = [otactl, "--port", &format!("ws://{address}/rpc"), "call", "RPC.Ping"].map(str::to_owned);
    let http = [otactl, "--port", &format!("http://{address}/rpc"), "call", "RPC.Ping"].map(str::to_owned);
    let version = [otactl, "--version"].map(str::to_owned);
    let curl =
        ["curl", "-s", "-d", r#"{"id":1,"method":"RPC.Ping"}"#, &format!("http://{address}/rpc")].map(str::to_owned);

    println!("median of {RUNS} runs      limit");
    report("call over WebSocket", &ws, 8.0);
    report("call over HTTP", &http, 8.0);
    report("--version", &version, 4.0);
    memory();
    match median(&curl) {
        Some(took) => println!("{:<22}{:>7.2} ms   (for comparison)", "curl, the same POST", took.as_secs_f64() * 1e3),
        None => println!("curl is not here"),
    }
}

fn report(name: &str, command: &[String], limit: f64) {
    let took = median(command).expect("the binary runs").as_secs_f64() * 1e3;
    let verdict = if took <= limit { "kept" } else { "NOT KEPT" };
    println!("{name:<22}{took:>7.2} ms   {limit:>4.1} ms, {verdict}");
}

fn median(command: &[String]) -> Option<Duration> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let started = Instant::now();
        let status = Command::new(&command[0]).args(&command[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !status.ok()?.success() {
            return None;
        }
        times.push(started.elapsed());
    }
    times.sort();
    Some(times[RUNS / 2])
}

/// Prints the peak memory of the largest process so far. Called before curl runs.
fn memory() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system counts");
        // Linux counts in KiB, macOS in bytes.
        let unit = if cfg!(target_os = "macos") { 1024.0 * 1024.0 } else { 1024.0 };
        let mib = f64::from(i32::try_from(usage.max_rss()).unwrap_or(i32::MAX)) / unit;
        let verdict = if mib <= 12.0 { "kept" } else { "NOT KEPT" };
        println!("{:<22}{mib:>7.2} MiB  12.0 MiB, {verdict}", "memory at the most");
    }
}

/// Starts a device in its own thread, so that the measured processes do not share it.
fn device() -> (std::net::SocketAddr, std::thread::JoinHandle<()>) {
    let (sender, address) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let simulator = Simulator::start(Config::default(), listener).expect("a device");
            sender.send(simulator.address()).expect("the receiver is alive");
            std::future::pending::<()>().await;
        });
    });
    (address.recv().expect("an address"), thread)
}
