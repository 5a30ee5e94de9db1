//! Checks that the test servers of `tests/support` fail their test if a task panics, or if no client uses the server.

mod support;

use support::firmware_host::FirmwareHost;
use support::peers::{Behaviour, Peer};
use support::script::Script;
use support::server::{ServerTasks, bind};
use support::transports::Transport;
use support::web_server::WebServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Connects, sends a line, and reads until the server closes the connection.
async fn use_server(address: &str) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(b"x\r\n").await.expect("sent");
    // A server that closes the connection before it has read everything resets it.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// Starts a server whose connections run `serve`, and uses it once.
async fn used<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> ServerTasks
where
    F: Future<Output: Send> + Send + 'static,
{
    let (listener, address) = bind().await;
    let mut tasks = ServerTasks::new();
    tasks.accept(listener, serve);
    use_server(&address.to_string()).await;
    tasks
}

#[tokio::test]
async fn used_server_fails_no_test() {
    drop(used(|stream| async move { drop(stream) }).await);
    drop(used(|stream| async move { drop(stream) }).await.may_stay_unused());
    let web = WebServer::with_statuses(&[200]).await;
    use_server(&web.address).await;
}

#[tokio::test]
#[should_panic(expected = "has panicked, see above")]
async fn panic_of_a_connection_fails_the_test() {
    let _server = used(|_| async { panic!("as this test expects") }).await;
}

#[tokio::test]
#[should_panic(expected = "has panicked, see above")]
async fn panic_of_a_task_fails_the_test() {
    let mut server = ServerTasks::new().may_stay_unused();
    server.spawn(async { panic!("as this test expects") });
    tokio::task::yield_now().await;
}

#[tokio::test]
#[should_panic(expected = "peers.rs:")]
async fn server_without_a_client_fails_the_test() {
    let _server = Peer::start(Behaviour::Silent).await;
}

#[tokio::test]
#[should_panic(expected = "was never used")]
async fn datagram_server_without_a_client_fails_the_test() {
    let _server = Transport::Udp.scripted(Script::echo()).await;
}

#[tokio::test]
#[should_panic(expected = "was never used")]
async fn server_without_a_recorded_use_fails_the_test() {
    let mut server = ServerTasks::new();
    server.spawn(async {});
    tokio::task::yield_now().await;
}

#[tokio::test]
#[should_panic(expected = "was used, and must stay unused")]
async fn client_of_a_server_that_must_stay_unused_fails_the_test() {
    let web = WebServer::with_statuses(&[200]).await.must_stay_unused();
    use_server(&web.address).await;
}

#[tokio::test]
async fn server_that_need_not_be_used_fails_no_test() {
    drop(ServerTasks::new().may_stay_unused());
    drop(ServerTasks::new().must_stay_unused());
    drop(WebServer::with_statuses(&[200]).await.must_stay_unused());
}

/// The drop during a panic does not panic again, which would abort the process.
#[tokio::test]
#[should_panic(expected = "the first panic")]
async fn panic_of_the_test_is_reported_rather_than_that_of_the_server() {
    let _server = ServerTasks::new();
    panic!("the first panic");
}

#[tokio::test]
#[should_panic(expected = "the host of a recorded pull was not finished")]
async fn host_of_a_recorded_pull_that_is_not_finished_fails_the_test() {
    let _host = FirmwareHost::start("pull_success", 1.0, watch::Sender::new(0).subscribe());
}

#[cfg(unix)]
#[test]
#[should_panic(expected = "a broker was never used")]
fn broker_without_a_client_fails_the_test() {
    let _broker = support::broker::Broker::start();
}
