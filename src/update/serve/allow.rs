//! Who is served: addresses and networks. Pure.

use std::net::IpAddr;
use std::str::FromStr;

/// A network, or a single address. IPv4 addresses that come written as IPv6 ones count as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Whom the user lets in, beside the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowFrom {
    /// Everybody who knows the path.
    Any,
    /// Whoever is in there.
    In(Network),
}

/// The text means nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write it as an address, as NETWORK/BITS such as 192.168.1.0/24, or as `any`")]
pub struct NoAddress;

impl Network {
    /// Whether the address is one of it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && first(address, self.bits) == first(self.address, self.bits)
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, bits: width(address) }
    }
}

impl FromStr for AllowFrom {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        if text.eq_ignore_ascii_case("any") {
            return Ok(Self::Any);
        }
        let Some((address, bits)) = text.split_once('/') else {
            return text.parse::<IpAddr>().map(|address| Self::In(address.into())).map_err(|_| NoAddress);
        };
        let address: IpAddr = address.parse().map_err(|_| NoAddress)?;
        // `parse` would take a sign.
        let digits = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits: u8 = bits.parse().ok().filter(|&bits| digits && bits <= width(address)).ok_or(NoAddress)?;
        let network = match (address, address.to_canonical()) {
            (IpAddr::V6(_), address @ IpAddr::V4(_)) => {
                // More than all of IPv4 makes no sense in this notation.
                Network { address, bits: bits.checked_sub(128 - 32).ok_or(NoAddress)? }
            }
            (address, _) => Network { address, bits },
        };
        Ok(Self::In(network))
    }
}

/// Who is served.
#[derive(Debug)]
pub(super) enum Allowed {
    Everybody,
    Only(Vec<Network>),
}

impl Allowed {
    /// The device, as far as its addresses are known, and whom the user lets in. If nobody is known, the secret path
    /// has to do.
    pub(super) fn new(device: &[IpAddr], also: &[AllowFrom]) -> Self {
        let mut networks: Vec<Network> = device.iter().copied().map(Network::from).collect();
        for allowed in also {
            match allowed {
                AllowFrom::Any => return Self::Everybody,
                AllowFrom::In(network) => networks.push(*network),
            }
        }
        if networks.is_empty() { Self::Everybody } else { Self::Only(networks) }
    }

    pub(super) fn admits(&self, address: IpAddr) -> bool {
        match self {
            Self::Everybody => true,
            Self::Only(networks) => networks.iter().any(|network| network.contains(address)),
        }
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The first so many bits of an address.
fn first(address: IpAddr, bits: u8) -> u128 {
    let number = match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    // None of 128 bits is a shift by 128.
    number.checked_shr(u32::from(width(address).saturating_sub(bits))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn networks_hold_what_they_say() {
        for (network, address, expected) in [
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.7", "10.0.0.8", false),
            ("10.0.0.7", "::ffff:10.0.0.7", true),
            ("::ffff:10.0.0.7", "10.0.0.7", true),
            ("192.168.1.0/24", "192.168.1.255", true),
            ("192.168.1.77/24", "192.168.1.1", true),
            ("192.168.1.0/24", "192.168.2.1", false),
            ("192.168.1.0/31", "192.168.1.2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "fe80::1", true),
            ("::/0", "10.0.0.7", false),
            ("fe80::/10", "febf::1", true),
            ("fe80::/10", "fec0::1", false),
            ("fd00::1/128", "fd00::2", false),
            ("::ffff:10.0.0.0/104", "10.9.9.9", true),
            ("::ffff:10.0.0.0/104", "11.0.0.0", false),
            ("any", "203.0.113.9", true),
            ("ANY", "::1", true),
        ] {
            let allowed = Allowed::new(&[], &[network.parse().expect("a network")]);
            assert_eq!(allowed.admits(ip(address)), expected, "{address} in {network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "dev",
            "10.0.0",
            "10.0.0.1/",
            "10.0.0.1/33",
            "10.0.0.1/+8",
            "10.0.0.1/-1",
            "10.0.0.1/8/8",
            "::1/129",
            "/8",
            "::ffff:10.0.0.0/90",
            "10.0.0.1:80",
            "all",
        ] {
            assert_eq!(text.parse::<AllowFrom>(), Err(NoAddress), "{text}");
        }
    }

    #[test]
    fn without_any_address_the_path_has_to_do() {
        let net: AllowFrom = "10.0.0.0/8".parse().expect("a network");
        let (device, stranger) = (ip("192.168.1.5"), ip("203.0.113.9"));
        for (known, also, expected) in [
            (&[][..], &[][..], [true, true, true]),
            (&[device][..], &[][..], [true, false, false]),
            (&[device][..], &[net][..], [true, true, false]),
            (&[][..], &[net][..], [false, true, false]),
            (&[device][..], &[net, AllowFrom::Any][..], [true, true, true]),
        ] {
            let allowed = Allowed::new(known, also);
            let admits = [device, ip("10.1.1.1"), stranger].map(|address| allowed.admits(address));
            assert_eq!(admits, expected, "{known:?} {also:?}");
        }
    }

    proptest! {
        #[test]
        fn a_network_is_what_agrees_in_its_bits(network: u32, bits in 0_u8..=32, address: u32) {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            let text = format!("{}/{bits}", std::net::Ipv4Addr::from(network));
            let allowed = Allowed::new(&[], &[text.parse().expect("a network")]);
            let address_ip = IpAddr::from(std::net::Ipv4Addr::from(address));
            prop_assert_eq!(allowed.admits(address_ip), network & mask == address & mask);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = text.parse::<AllowFrom>();
        }
    }
}
