//! The network between otactl, the device and the servers: links and streams in memory, with latency and losses.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use otactl::rpc::client::Links;
use otactl::rpc::{CallError, DialError, DialFailure, Incoming, Request, RpcClient, frame};
use otactl::sim::board::Board;
use otactl::sim::board::calls::ScheduledReply;
use otactl::sim::http_client::{Connection, DeviceNetwork};
use otactl::sim::ports::replies::Replies;
use otactl::sim::wire;
use otactl::transport::link::{Connect, Link, LinkDriver};
use otactl::update::serve::listen::{Listener, ServeNetwork, Stream};
use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::random::Random;
use super::record::DeviceRecord;
use super::scenario::{NetworkSpec, Transport};

/// The address of otactl.
pub(crate) const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

/// The address of the device, as its server sees it.
const DEVICE: &str = "10.0.0.2";

/// Firmware servers of otactl have higher ports.
const FIRST_PORT: u16 = 10_000;

/// The buffer of a stream, in bytes.
const STREAM_BUFFER: usize = 4096;

/// How a cut ends all connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Both ends are closed.
    Close,
    /// No end is closed, and nothing passes any more.
    HalfOpen,
}

/// Counts the cuts, with the kind of the last one.
type Cuts = watch::Receiver<(u64, Option<Cut>)>;

/// The network, shared by all its users.
pub(crate) struct Network {
    spec: NetworkSpec,
    state: Mutex<State>,
    /// Counts the cuts, with the kind of the last one.
    cuts: watch::Sender<(u64, Option<Cut>)>,
}

struct State {
    random: Random,
    latency: Duration,
    jitter: Duration,
    /// The number of lost frames per 1000.
    loss: u64,
    /// The number of duplicated frames per 1000.
    duplicates: u64,
    reorders: bool,
    outage_until: Option<Instant>,
    is_blocked: bool,
    listeners: BTreeMap<u16, mpsc::UnboundedSender<(DuplexStream, SocketAddr)>>,
    next_port: u16,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl Network {
    pub(crate) fn new(seed: u64, spec: &NetworkSpec) -> Arc<Self> {
        Arc::new(Self {
            spec: spec.clone(),
            state: Mutex::new(State {
                random: Random::new(seed, 1),
                latency: spec.latency,
                jitter: spec.jitter,
                loss: 0,
                duplicates: 0,
                reorders: false,
                outage_until: None,
                is_blocked: spec.is_blocked,
                listeners: BTreeMap::new(),
                next_port: FIRST_PORT,
            }),
            cuts: watch::Sender::new((0, None)),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(crate) fn set_loss(&self, loss: u64) {
        self.state().loss = loss;
    }

    pub(crate) fn set_duplicates(&self, duplicates: u64) {
        self.state().duplicates = duplicates;
    }

    pub(crate) fn set_reorders(&self, reorders: bool) {
        self.state().reorders = reorders;
    }

    /// Ends all faults of the network itself. Returns when the frames that waited for the end of an outage have
    /// arrived.
    pub(crate) fn heal(&self) -> Instant {
        let mut state = self.state();
        let late = state.outage_until.unwrap_or_else(Instant::now) + state.latency + state.jitter;
        (state.loss, state.duplicates, state.reorders, state.outage_until) = (0, 0, false, None);
        late
    }

    /// Starts an outage of this duration.
    pub(crate) fn fail_for(&self, time: Duration) {
        self.state().outage_until = Some(Instant::now() + time);
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self, cut: Cut) {
        self.cuts.send_modify(|(count, kind)| (*count, *kind) = (*count + 1, Some(cut)));
    }

    /// Returns when a frame that is sent `now` arrives.
    fn arrival(&self, now: Instant) -> Instant {
        let mut state = self.state();
        let jitter = u64::try_from(state.jitter.as_millis()).unwrap_or(0);
        let delay = state.latency + state.random.millis(0, jitter);
        let from = if self.spec.transport.loses_frames() { now } else { state.outage_until.unwrap_or(now).max(now) };
        from + delay
    }

    async fn wait_transit_time(&self) {
        let now = Instant::now();
        let at = self.arrival(now);
        if at > now {
            sleep_until(at).await;
        }
    }

    /// Tells how often a single frame arrives.
    fn copies(&self, transport: Transport) -> usize {
        let mut state = self.state();
        if transport.loses_frames() {
            let is_out = state.outage_until.is_some_and(|until| Instant::now() < until);
            let loss = state.loss;
            if is_out || state.random.below(1000) < loss {
                return 0;
            }
        }
        let duplicates = state.duplicates;
        if transport.may_double() && state.random.below(1000) < duplicates { 2 } else { 1 }
    }

    fn reorders(&self, transport: Transport) -> bool {
        transport == Transport::Udp && self.state().reorders
    }
}

/// A connector to the device, with the properties of one transport.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) network: Arc<Network>,
    pub(crate) board: Arc<Board>,
    pub(crate) record: Arc<DeviceRecord>,
    pub(crate) transport: Transport,
}

impl Connector {
    /// Waits until a connection is established. Fails at once if the device refuses it.
    async fn establish(&self) -> Result<(), DialError> {
        /// The pauses in seconds after which an operating system retries a connection.
        const DIAL_RETRY_SECONDS: [u64; 6] = [1, 2, 4, 8, 16, 32];

        self.network.wait_transit_time().await;
        let mut retries = DIAL_RETRY_SECONDS.into_iter();
        while self.transport.is_connection() && self.board.boot().is_none() {
            if self.network.spec.refuses {
                self.network.wait_transit_time().await;
                return Err(DialError::Refused);
            }
            let Some(seconds) = retries.next() else { return std::future::pending().await };
            sleep(Duration::from_secs(seconds)).await;
        }
        self.network.wait_transit_time().await;
        Ok(())
    }

    /// Delivers a frame to the device, and returns the answers. `None`: the device does not get the frame.
    fn hear(&self, bytes: &[u8]) -> Option<(wire::Call, Vec<ScheduledReply>)> {
        self.board.boot()?;
        let call = wire::parse(bytes, self.board.id())?.into_call()?;
        let scheduled = self.board.answers(&call, self.transport.times(), "10.0.0.1:1", DEVICE);
        self.record.record_request(&self.board, &call, &scheduled);
        Some((call, scheduled))
    }
}

#[async_trait]
impl Connect for Connector {
    async fn dial(&self) -> Result<Link, DialFailure> {
        self.establish().await?;
        let (link, driver) = Link::pair();
        tokio::spawn(serve(self.clone(), driver, self.network.cuts.subscribe()));
        Ok(link)
    }

    fn peer(&self) -> &'static str {
        "the simulated device"
    }

    fn links(&self) -> Links {
        match self.transport {
            Transport::WebSocket | Transport::Tcp => Links::OfOneBoot,
            Transport::Http => Links::OfOneCall,
            Transport::Serial | Transport::Udp => Links::Lasting,
            Transport::Mqtt | Transport::MqttTwice => Links::Shared,
        }
    }

    fn may_execute_twice(&self) -> bool {
        self.transport.may_double()
    }

    fn resends_after(&self) -> Option<Duration> {
        match self.transport {
            Transport::WebSocket | Transport::Http | Transport::Tcp => None,
            Transport::Serial | Transport::Udp => Some(Duration::from_millis(500)),
            Transport::Mqtt | Transport::MqttTwice => Some(Duration::from_secs(2)),
        }
    }

    fn window(&self) -> usize {
        match self.transport {
            Transport::WebSocket | Transport::Tcp => 8,
            Transport::Http | Transport::Udp => 1,
            Transport::Serial => 3,
            Transport::Mqtt | Transport::MqttTwice => 4,
        }
    }
}

/// A frame in flight.
#[derive(Clone)]
enum Frame {
    ToDevice(Vec<u8>),
    ToHost(Vec<u8>),
}

/// The frames in flight on one link, by arrival.
#[derive(Default)]
struct InFlight {
    frames: VecDeque<(Instant, Frame)>,
    last: [Option<Instant>; 2],
}

impl InFlight {
    fn send(&mut self, connector: &Connector, frame: Frame) {
        let transport = connector.transport;
        let copies = connector.network.copies(transport);
        let direction = match &frame {
            Frame::ToDevice(bytes) => {
                if copies == 2 {
                    connector.record.record_duplicate(bytes);
                }
                0
            }
            Frame::ToHost(_) => 1,
        };
        let now = Instant::now();
        for frame in std::iter::repeat_n(frame, copies) {
            let mut at = connector.network.arrival(now);
            if !connector.network.reorders(transport)
                && let Some(last) = self.last[direction]
            {
                at = at.max(last);
            }
            self.last[direction] = Some(at);
            // Frames that arrive together keep the order in which they were sent.
            let index = self.frames.partition_point(|(other, _)| *other <= at);
            self.frames.insert(index, (at, frame));
        }
    }
}

/// Carries the frames of one link.
async fn serve(connector: Connector, mut driver: LinkDriver, cuts: Cuts) {
    let mut next_cut = std::pin::pin!(next_cut(cuts));
    let is_connection = connector.transport.is_connection();
    let mut boot = connector.board.boot();
    let mut replies = Replies::default();
    let (mut in_flight, mut is_dead, mut is_dropped) = (InFlight::default(), false, false);
    loop {
        // Sent frames arrive, even if otactl has died since.
        if is_dropped && !in_flight.frames.iter().any(|(_, frame)| matches!(frame, Frame::ToDevice(_))) {
            return;
        }
        let due = in_flight.frames.front().map(|(at, _)| *at);
        tokio::select! {
            biased;
            (cuts, cut) = &mut next_cut => {
                next_cut.set(self::next_cut(cuts));
                match cut {
                    Some(Cut::Close) => return driver.close("the connection was closed"),
                    // A broker or a cable that is back works again.
                    Some(Cut::HalfOpen) if is_connection => is_dead = true,
                    _ => in_flight.frames.clear(),
                }
            }
            () = due_at(due), if due.is_some() => match in_flight.frames.pop_front() {
                Some((_, Frame::ToDevice(_) | Frame::ToHost(_))) if is_dead => {}
                Some((_, Frame::ToDevice(bytes))) => {
                    if is_connection && connector.board.boot() != boot {
                        if connector.board.boot().is_some() && connector.network.spec.resets {
                            return driver.close("the connection was reset");
                        }
                        continue;
                    }
                    if connector.board.boot() != boot {
                        (boot, replies) = (connector.board.boot(), Replies::default());
                    }
                    let Some((call, scheduled)) = connector.hear(&bytes) else {
                        // An invalid frame closes a WebSocket.
                        if connector.board.boot().is_some() && connector.transport == Transport::WebSocket {
                            return driver.close("the connection was closed");
                        }
                        continue;
                    };
                    for scheduled in scheduled {
                        for (reply, ()) in replies.to(&call, scheduled, &connector.board, ()) {
                            in_flight.send(&connector, Frame::ToHost(reply.into_bytes()));
                        }
                    }
                }
                Some((_, Frame::ToHost(bytes))) => {
                    is_dropped = is_dropped || !driver.deliver(bytes).await;
                }
                None => {}
            },
            frame = driver.outgoing.recv(), if !is_dropped => match frame {
                Some(frame) => in_flight.send(&connector, Frame::ToDevice(frame)),
                None => is_dropped = true,
            },
            (reply, ()) = replies.next() => in_flight.send(&connector, Frame::ToHost(reply.into_bytes())),
        }
    }
}

/// Waits for the next cut.
async fn next_cut(mut cuts: Cuts) -> (Cuts, Option<Cut>) {
    if cuts.changed().await.is_err() {
        return std::future::pending().await;
    }
    let cut = cuts.borrow_and_update().1;
    (cuts, cut)
}

async fn due_at(due: Option<Instant>) {
    if let Some(due) = due
        && due > Instant::now()
    {
        sleep_until(due).await;
    }
}

/// RPC over HTTP, with a new connection for each call.
#[derive(Debug)]
pub(crate) struct HttpClient {
    connector: Connector,
    hang_ups: watch::Sender<u64>,
}

impl HttpClient {
    pub(crate) fn new(connector: Connector) -> Self {
        Self { connector, hang_ups: watch::Sender::new(0) }
    }

    async fn exchange(&self, request: &Request, progress: &mut Progress) -> Result<Value, CallError> {
        let connector = &self.connector;
        let peer = || "the simulated device".to_owned();
        connector.establish().await.map_err(|cause| CallError::unreachable(peer(), cause))?;
        progress.is_sent = true;
        let boot = connector.board.boot();
        let bytes = request.encode(1, None);
        connector.network.wait_transit_time().await;
        if connector.board.boot() != boot || boot.is_none() {
            return std::future::pending().await;
        }
        let Some((call, scheduled)) = connector.hear(&bytes) else { return std::future::pending().await };
        let mut replies = Replies::default();
        let mut ready = Vec::new();
        for scheduled in scheduled {
            ready.extend(replies.to(&call, scheduled, &connector.board, ()));
        }
        let (reply, ()) = if ready.is_empty() { replies.next().await } else { ready.remove(0) };
        connector.network.wait_transit_time().await;
        match frame::decode(reply.as_bytes()) {
            Ok(Incoming::Reply { outcome, .. }) => {
                outcome.map_err(|error| CallError::Remote { method: request.method.clone(), error })
            }
            other => panic!("{reply}: {other:?}"),
        }
    }
}

#[derive(Default)]
struct Progress {
    is_sent: bool,
}

#[async_trait]
impl RpcClient for HttpClient {
    async fn call(&self, request: Request) -> Result<Value, CallError> {
        let peer = || "the simulated device".to_owned();
        let deadline = Instant::now() + request.timeout;
        let (mut cuts, mut hang_ups) = (self.connector.network.cuts.subscribe(), self.hang_ups.subscribe());
        cuts.borrow_and_update();
        hang_ups.borrow_and_update();
        let mut progress = Progress::default();
        let lost = |sent, reason: &str| CallError::Lost { peer: peer(), sent, reason: reason.into() };
        let ended = {
            let mut exchange = std::pin::pin!(self.exchange(&request, &mut progress));
            let work = async {
                loop {
                    tokio::select! {
                        biased;
                        Ok(()) = hang_ups.changed() => return Err("the link was given up"),
                        Ok(()) = cuts.changed() => {
                            let cut = cuts.borrow_and_update().1;
                            if cut != Some(Cut::HalfOpen) {
                                return Err("the connection was closed");
                            }
                            std::future::pending::<()>().await;
                        }
                        result = &mut exchange => return Ok(result),
                    }
                }
            };
            timeout_at(deadline, work).await
        };
        match ended {
            Ok(Ok(result)) => result,
            Ok(Err(reason)) => Err(lost(progress.is_sent, reason)),
            Err(_) if progress.is_sent => {
                Err(CallError::Timeout { peer: peer(), method: request.method, after: request.timeout, why: None })
            }
            Err(_) => Err(CallError::unreachable(peer(), DialError::Silent(request.timeout))),
        }
    }

    fn drop_link(&self) {
        self.hang_ups.send_modify(|count| *count += 1);
    }

    fn links(&self) -> Links {
        Links::OfOneCall
    }
}

/// A listener in memory.
#[derive(Debug)]
struct MemoryListener {
    address: SocketAddr,
    network: Arc<Network>,
    incoming: tokio::sync::Mutex<mpsc::UnboundedReceiver<(DuplexStream, SocketAddr)>>,
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        self.network.state().listeners.remove(&self.address.port());
    }
}

#[async_trait]
impl Listener for MemoryListener {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    async fn accept(&self) -> io::Result<(Box<dyn Stream>, SocketAddr)> {
        let accepted = self.incoming.lock().await.recv().await;
        let (stream, peer) = accepted.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok((Box::new(stream), peer))
    }
}

/// The network as servers see it.
#[derive(Debug, Clone)]
pub(crate) struct HostNetwork(pub(crate) Arc<Network>);

#[async_trait]
impl ServeNetwork for HostNetwork {
    fn listen(&self, mut address: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let (connections, incoming) = mpsc::unbounded_channel();
        let mut state = self.0.state();
        if address.port() == 0 {
            state.next_port += 1;
            address.set_port(state.next_port);
        }
        state.listeners.insert(address.port(), connections);
        drop(state);
        let incoming = tokio::sync::Mutex::new(incoming);
        Ok(Box::new(MemoryListener { address, network: Arc::clone(&self.0), incoming }))
    }

    async fn route_to(&self, _: SocketAddr) -> io::Result<SocketAddr> {
        Ok((HOST, 0).into())
    }
}

/// The network as the device sees it.
#[derive(Debug)]
pub(crate) struct DeviceSideNetwork(pub(crate) Arc<Network>);

#[async_trait]
impl DeviceNetwork for DeviceSideNetwork {
    async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn Connection>> {
        let network = &self.0;
        network.wait_transit_time().await;
        network.wait_transit_time().await;
        let is_ours = host == HOST.to_string();
        let (far, peer_port) = {
            let mut state = network.state();
            if is_ours && port >= FIRST_PORT && state.is_blocked {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            state.next_port += 1;
            (state.listeners.get(&port).cloned(), state.next_port)
        };
        let Some(far) = far else { return Err(io::ErrorKind::ConnectionRefused.into()) };
        let (near, there) = duplex(STREAM_BUFFER);
        let peer = SocketAddr::new(DEVICE.parse().expect("an address"), peer_port);
        far.send((there, peer)).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(Box::new(Cuttable::new(near, network)))
    }
}

/// The device's end of a stream, which a cut ends.
struct Cuttable {
    stream: Option<DuplexStream>,
    is_dead: bool,
    cut: Pin<Box<dyn Future<Output = Cut> + Send>>,
}

impl Cuttable {
    fn new(stream: DuplexStream, network: &Network) -> Self {
        let mut cuts = network.cuts.subscribe();
        cuts.borrow_and_update();
        let cut = Box::pin(async move {
            if cuts.changed().await.is_err() {
                return std::future::pending().await;
            }
            cuts.borrow_and_update().1.unwrap_or(Cut::Close)
        });
        Self { stream: Some(stream), is_dead: false, cut }
    }

    /// Returns the stream, unless it was cut.
    fn stream(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Pin<&mut DuplexStream>>> {
        if self.is_dead {
            return Poll::Pending;
        }
        if self.stream.is_some()
            && let Poll::Ready(cut) = self.cut.as_mut().poll(context)
        {
            match cut {
                Cut::HalfOpen => {
                    self.is_dead = true;
                    return Poll::Pending;
                }
                Cut::Close => self.stream = None,
            }
        }
        match &mut self.stream {
            Some(stream) => Poll::Ready(Ok(Pin::new(stream))),
            None => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.stream(context) {
            Poll::Ready(Ok(stream)) => stream.poll_read(context, buffer),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.stream(context) {
            Poll::Ready(Ok(stream)) => stream.poll_write(context, bytes),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Serves a bundle at a URL outside of otactl: `200` for the whole bundle, `206` for the rest.
pub(crate) async fn serve_url(network: Arc<Network>, port: u16, bundle: bytes::Bytes) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let Ok(listener) = HostNetwork(network).listen(SocketAddr::new(HOST, port)) else { return };
    while let Ok((mut stream, _)) = listener.accept().await {
        let bundle = bundle.clone();
        tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                if !matches!(stream.read_buf(&mut head).await, Ok(1..)) {
                    return;
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let from =
                head.lines().find_map(|line| line.strip_prefix("Range: bytes=")?.trim_end_matches('-').parse().ok());
            let (from, total): (usize, usize) = (from.unwrap_or(0), bundle.len());
            let rest = bundle.slice(from.min(total)..);
            let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len());
            // A device may close the connection, which is not a failure of the server.
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&rest).await;
            let _ = stream.shutdown().await;
        });
    }
}

/// Sleeps, unless the time is zero.
pub(crate) async fn sleep_for(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}
