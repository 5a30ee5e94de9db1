//! The causes of a failure, which the built binary shows with `-v` only.

mod support;

use support::peers::ClosedPort;
use support::{Run, run_on};

#[cfg(target_os = "linux")]
const REFUSED: &str = "  caused by: Connection refused (os error 111)\n";

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
    assert!(
        shown.contains("there is no such port\n  caused by: No such file or directory (os error 2)\nhint: "),
        "{shown}"
    );
}
