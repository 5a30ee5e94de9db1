//! Proxies and redirects: the built binary, the simulated device, and servers on real sockets. The environment names
//! one of them as the proxy.
#![cfg(unix)]

mod support;

use std::process::Command;

use serde_json::Value;
use support::bundles::BundleServer;
use support::certificates::Authority;
use support::https::HttpsServer;
use support::web_server::WebServer;
use support::{DEMO, Run, assert_runs, finish, otactl, simulator, ws};
use tokio::net::TcpListener;

/// An address of a documentation network (RFC 5737): not private, and not in use.
const PUBLIC: &str = "http://192.0.2.1/health";

/// Starts a server that answers every request with this status.
async fn server_with_status(status: &str) -> WebServer {
    WebServer::with_answer(status, b"").await
}

fn url_of(server: &WebServer) -> String {
    format!("http://{}/health", server.address)
}

/// Runs the command with this proxy in its environment.
async fn run_behind_proxy(proxy: &WebServer, args: &[&str]) -> Run {
    let mut command = otactl(args);
    for variable in ["http_proxy", "ALL_PROXY"] {
        command.env(variable, format!("http://admin:hidden@{}", proxy.address));
    }
    let run = finish(command).await;
    assert!(!run.shown().contains("hidden"), "{}", run.shown());
    run
}

/// The answer of a proxy says nothing about the device.
#[tokio::test]
async fn check_http_of_the_device_is_not_proxied() {
    for (device_says, proxy_says, code) in [("503 Sick", "200 OK", 8), ("200 OK", "502 Bad Gateway", 0)] {
        let (device, web) = (simulator().await, server_with_status(device_says).await);
        let proxy = server_with_status(proxy_says).await.must_stay_unused();
        let run =
            run_behind_proxy(&proxy, &["--port", &ws(&device), "update", DEMO, "--check-http", &url_of(&web)]).await;
        assert_eq!(run.code, code, "{device_says}: {}", run.shown());
        assert_runs(&ws(&device), if code == 0 { "2.0.0" } else { "1.0.0" }, true).await;
    }
}

#[tokio::test]
async fn check_http_through_a_proxy_names_it_without_its_credentials() {
    for (status, code, message) in [
        ("200 OK", 0, "passed in "),
        ("502 Bad Gateway", 8, "failed: it answered with HTTP status 502"),
        ("302 Found\r\nLocation: http://192.0.2.2/", 8, "failed: it redirects to another host, http://192.0.2.2/"),
    ] {
        let (device, mut proxy) = (simulator().await, server_with_status(status).await);
        let run = run_behind_proxy(&proxy, &["--port", &ws(&device), "update", DEMO, "--check-http", PUBLIC]).await;
        assert_eq!(run.code, code, "{status}: {}", run.shown());
        let line = run.stderr.lines().find(|line| line.starts_with("check ") && line.contains(message));
        let line = line.unwrap_or_else(|| panic!("{status}: {}", run.shown()));
        assert!(line.ends_with(&format!(", through the proxy http://{}", proxy.address)), "{status}: {line}");
        let requests = proxy.take_heads();
        assert_eq!(requests.len(), 1, "{status}: {requests:?}");
        let head = requests[0].to_lowercase();
        assert!(head.starts_with("get http://192.0.2.1/health http/1.1\r\n"), "{status}: {head}");
        assert!(head.contains("\r\nproxy-authorization: basic "), "{status}: {head}");
    }
}

/// The connection to a proxy fails, not that to the URL.
#[tokio::test]
async fn proxy_that_is_not_there_is_named() {
    let (device, closed) = (simulator().await, TcpListener::bind("127.0.0.1:0").await.expect("a port"));
    let address = closed.local_addr().expect("an address");
    drop(closed);
    for (proxy, message) in [
        (format!("http://{address}"), format!(", through the proxy http://{address})")),
        ("socks5://127.0.0.1:1".into(), "a proxy of the kind socks5:// cannot be used, through the proxy".into()),
    ] {
        let mut command = otactl(&["--port", &ws(&device), "update", DEMO, "--check-http", PUBLIC]);
        command.args(["--check-timeout", "1s"]).env("ALL_PROXY", proxy);
        let run = finish(command).await;
        assert_eq!(run.code, 8, "{}", run.shown());
        assert!(run.stderr.contains(&message), "{}", run.shown());
    }
}

#[tokio::test]
async fn check_http_follows_redirects_to_the_same_host_only() {
    let (device, other) = (simulator().await, server_with_status("200 OK").await);
    let redirecting = server_with_status(&format!("302 Found\r\nLocation: {}", url_of(&other))).await;
    let good = finish(otactl(&["--port", &ws(&device), "update", DEMO, "--check-http", &url_of(&redirecting)])).await;
    assert_eq!(good.code, 0, "another port of the same host: {}", good.shown());

    let device = simulator().await;
    let elsewhere = server_with_status("200 OK").await.must_stay_unused();
    let port = elsewhere.address.rsplit(':').next().expect("a port").to_owned();
    let redirecting =
        server_with_status(&format!("302 Found\r\nLocation: http://localhost:{port}/login?token=hidden")).await;
    let bad = finish(otactl(&["--port", &ws(&device), "update", DEMO, "--check-http", &url_of(&redirecting)])).await;
    assert_eq!(bad.code, 8, "{}", bad.shown());
    let message = format!("failed: it redirects to another host, http://localhost:{port}/login?…");
    assert!(bad.stderr.contains(&message) && !bad.stderr.contains("hidden"), "{}", bad.shown());
    assert_runs(&ws(&device), "1.0.0", true).await;

    let round = server_with_status("302 Found\r\nLocation: /again").await;
    let bad = finish(otactl(&["--port", &ws(&device), "update", DEMO, "--check-http", &url_of(&round)])).await;
    assert!(bad.code == 8 && bad.stderr.contains("failed: it is redirected without end"), "{}", bad.shown());
}

fn findings(run: &Run) -> Vec<String> {
    let events = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    events.filter(|event| event["what"] == "url").filter_map(|event| event["says"].as_str().map(Into::into)).collect()
}

#[tokio::test]
async fn manifest_of_a_url_through_a_proxy_names_it() {
    let device = simulator().await;
    let bytes = std::fs::read(support::file(DEMO)).expect("the demo");
    let proxy = WebServer::with_answer("200 OK", &bytes).await;
    let url = "http://192.0.2.1/fw.zip?token=hidden";
    let args = ["--json", "--port", &ws(&device), "update", "--url", url, "--dry-run"];
    let run = run_behind_proxy(&proxy, &args).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let named = format!("otactl asks its server through the proxy http://{}", proxy.address);
    assert_eq!(findings(&run), [named], "{}", run.shown());

    let proxy = server_with_status("502 Bad Gateway").await;
    let run = run_behind_proxy(&proxy, &args).await;
    let reason = format!("HTTP status 502, through the proxy http://{}", proxy.address);
    assert!(run.stdout.contains(&reason), "{}", run.shown());
}

/// The bundle then travels without TLS, whether otactl reads only its manifest or all of it.
#[tokio::test]
async fn redirect_from_https_to_http_is_reported() {
    let (authority, server) = (Authority::new(), BundleServer::start().await);
    let name = DEMO.rsplit('/').next().expect("a name");
    let plain = server.url(name);
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: {plain}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let https = HttpsServer::of_answer(&authority, redirect.into_bytes()).await;
    let url = format!("https://127.0.0.1:{}/fw.zip", https.address.port());
    for args in [&["--dry-run"][..], &["--via", "push"]] {
        let device = simulator().await;
        let (port, ca) = (ws(&device), authority.file());
        let args = [&["--json", "--ca-cert-file", &ca, "--port", &port, "update", "--url", &url], args].concat();
        let run = finish(otactl(&args)).await;
        assert_eq!(run.code, 0, "{}", run.shown());
        let message = format!("{url} redirects to {plain}, so that the firmware travels without TLS");
        assert_eq!(findings(&run), [message], "{}", run.shown());
    }
}

/// Loading root certificates takes time, and a machine without any of them can use http:// URLs.
#[tokio::test]
async fn plain_http_needs_no_root_certificates() {
    let without_roots = |mut command: Command| {
        command.env("SSL_CERT_FILE", "/no/such/file").env("SSL_CERT_DIR", "/no/such/directory");
        finish(command)
    };
    let (device, web, server) = (simulator().await, server_with_status("200 OK").await, BundleServer::start().await);
    let port = ws(&device);
    let run = without_roots(otactl(&["--port", &port, "update", DEMO, "--check-http", &url_of(&web)])).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let url = server.url(DEMO.rsplit('/').next().expect("a name"));
    let run = without_roots(otactl(&["--port", &port, "update", "--url", &url, "--via", "push"])).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    // otactl reports missing root certificates before it calls the device.
    let run =
        without_roots(otactl(&["--port", "ws://127.0.0.1:9", "update", DEMO, "--check-http", "https://h/"])).await;
    assert!(run.code == 1 && run.stderr.starts_with("error: cannot set up TLS: "), "{}", run.shown());
}
