//! The network of a firmware server: this machine's, unless the plan brings another one.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UdpSocket};

/// The size of one write, of the kernel's send buffer, and of the largest head of a request, in bytes. It is small, so that the bytes counted as
/// sent are close to those that the device has taken.
pub(super) const BUFFER_SIZE: usize = 16 << 10;

/// A connection to a client.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Accepts connections.
#[async_trait]
pub trait Listener: fmt::Debug + Send + Sync {
    /// Returns the address of the listener.
    fn local_addr(&self) -> io::Result<SocketAddr>;

    /// Returns the next connection and the address of its client. A cancelled call loses no connection.
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, SocketAddr)>;
}

/// Opens listeners.
#[async_trait]
pub trait ServeNetwork: fmt::Debug + Send + Sync {
    /// Listens on an address. Port 0 means any free port.
    fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>>;

    /// Returns the local address from which packets to `device` leave, and which the device can therefore reach: with port 0, and with
    /// the scope that a link-local address needs.
    async fn route_to(&self, device: SocketAddr) -> io::Result<SocketAddr>;
}

/// The network of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalSockets;

#[async_trait]
impl ServeNetwork for LocalSockets {
    fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Box::new(TcpListener::from_std(listener)?))
    }

    /// Connecting a UDP socket sends nothing, but makes the system choose a route.
    async fn route_to(&self, device: SocketAddr) -> io::Result<SocketAddr> {
        let any = if device.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(device).await?;
        let mut local = socket.local_addr()?;
        local.set_port(0);
        Ok(local)
    }
}

#[async_trait]
impl Listener for TcpListener {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }

    async fn accept(&self) -> io::Result<(Box<dyn Stream>, SocketAddr)> {
        let (stream, peer) = Self::accept(self).await?;
        // With a large send buffer, bytes would count as sent that only the system has taken.
        let _ = socket2::SockRef::from(&stream).set_send_buffer_size(BUFFER_SIZE);
        Ok((Box::new(stream), peer))
    }
}
