//! A web server that sends prepared answers, and records the heads of the requests.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::server::{ServerTasks, bind};

/// A web server. Ends when it is dropped.
pub struct WebServer {
    pub address: String,
    heads: mpsc::UnboundedReceiver<String>,
    tasks: ServerTasks,
}

impl WebServer {
    /// Starts a server that sends one answer per connection, in this order. Further connections get the last answer.
    ///
    /// An empty answer closes the connection.
    async fn start(answers: Vec<Vec<u8>>) -> Self {
        let (listener, address) = bind().await;
        let (sender, heads) = mpsc::unbounded_channel();
        let mut tasks = ServerTasks::new();
        let record = tasks.record();
        tasks.spawn(async move {
            let mut answers = answers.into_iter();
            let mut answer = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                record.record_use();
                answer = answers.next().unwrap_or(answer);
                let mut request = vec![0; 4096];
                let len = stream.read(&mut request).await.unwrap_or(0);
                sender.send(String::from_utf8_lossy(&request[..len]).into_owned()).expect("the test listens");
                // A client may close the connection before the end of the answer.
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { address: address.to_string(), heads, tasks }
    }

    /// Starts a server that sends these statuses without a body. Status 0 closes the connection without an answer.
    pub async fn with_statuses(statuses: &[u16]) -> Self {
        let answer = |&status: &u16| match status {
            0 => Vec::new(),
            status => format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes(),
        };
        Self::start(statuses.iter().map(answer).collect()).await
    }

    /// Starts a server that sends this answer to every request. `head` begins with the status, such as `200 OK`.
    pub async fn with_answer(head: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        Self::start(vec![[head.as_bytes(), body].concat()]).await
    }

    /// Requires that no client uses the server.
    pub fn must_stay_unused(self) -> Self {
        Self { tasks: self.tasks.must_stay_unused(), ..self }
    }

    /// Waits for the next request, and returns its head.
    pub async fn next_head(&mut self) -> String {
        self.heads.recv().await.expect("a request")
    }

    /// Returns the heads of the requests since the last call.
    pub fn take_heads(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.heads.try_recv().ok()).collect()
    }
}
