//! The causes of a failure, which the built binary shows with `-v` only.

mod support;

use support::peers::ClosedPort;
use support::{Run, run_on, simulator, ws};

#[cfg(target_os = "linux")]
const REFUSED: &str = "  caused by: Connection refused\n";

/// Returns the lines of a failure, without the log.
fn failure(run: &Run) -> String {
    let start = run.stderr.find("error: ").unwrap_or_else(|| panic!("{}", run.shown()));
    run.stderr[start..].to_owned()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn unreachable_device_with_verbose_shows_the_error_of_the_system() {
    let closed = ClosedPort::new();
    for (scheme, device) in
        [("ws", ""), ("wss", ""), ("http", ""), ("https", ""), ("tcp", ""), ("udp", ""), ("mqtt", "/dev")]
    {
        let port = format!("{scheme}://{}{device}", closed.address);
        let (plain, verbose) = (run_on(&port, &["ping"]).await, run_on(&port, &["-v", "ping"]).await);
        assert_eq!((plain.code, verbose.code), (3, 3), "{port}: {}", verbose.shown());
        let (plain, verbose) = (failure(&plain), failure(&verbose));
        assert!(!plain.contains("caused by"), "{port}: {plain}");
        assert!(verbose.contains(REFUSED), "{port}: {verbose}");
        // The causes stand between the message and the hint, and change neither.
        let (message, hint) = plain.split_once('\n').expect("two lines");
        assert!(verbose.starts_with(message) && verbose.ends_with(hint), "{port}: {plain}{verbose}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn unreachable_server_of_a_url_with_verbose_shows_the_error_of_the_system() {
    let (device, closed) = (simulator().await, ClosedPort::new());
    let url = format!("http://user:hidden@{}/fw.zip?key=hidden", closed.address);
    let update = ["update", "--url", &url, "--via", "push"];
    let plain = failure(&run_on(&ws(&device), &update).await);
    let verbose = run_on(&ws(&device), &[&["-v"], &update[..]].concat()).await;
    assert!(plain.contains("could not be downloaded") && !plain.contains("caused by"), "{plain}");
    // The message names the innermost error, so that only those around it are added.
    assert!(failure(&verbose).contains("caused by: "), "{}", verbose.shown());
    assert!(!verbose.shown().contains("hidden"), "{}", verbose.shown());
}

#[tokio::test]
async fn cause_that_the_message_names_is_not_repeated() {
    let run = run_on("ws://127.0.0.1:1", &["-v", "update", "/no/such/bundle.zip"]).await;
    assert!(failure(&run).contains("/no/such/bundle.zip: ") && !run.stderr.contains("caused by"), "{}", run.shown());
}

#[cfg(unix)]
#[tokio::test]
async fn serial_port_that_does_not_exist_with_verbose_shows_the_error_of_the_system() {
    let run = run_on("/dev/no-such-port", &["-v", "ping"]).await;
    let shown = failure(&run);
    assert!(shown.contains("there is no such port\n  caused by: No such file or directory\nhint: "), "{shown}");
}
