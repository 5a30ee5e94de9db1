use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::pin::pin;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use otactl::discover::mdns::announced;
use otactl::ota;
use otactl::text::device_text;
use otactl::transport::mqtt::topic_heads;
use otactl::transport::target::{self, Endpoint, Target, TargetError};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::devices::edit;
use crate::cli::config::parse::check_name;
use crate::cli::config::{Config, edit::NewDevice};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::table::table;
use crate::cli::values;

/// How many names behind a broker are asked at a time.
///
/// A name that is no device is asked until the time is over. Each question has a connection of its own.
const AT_A_TIME: usize = 128;

/// How long a name behind a broker may take to answer, unless `--timeout` is shorter. All names together have this time after `--for`.
const MAX_ANSWER_TIME: Duration = Duration::from_secs(3);

/// The time between the end of a question and the end of the command.
const GRACE: Duration = Duration::from_millis(200);

/// Find devices on the local network, or behind a broker
///
/// On the local network, otactl finds the devices that announce themselves (mDNS; firmware with `dns_sd.enable`). Behind a broker, it
/// listens to all topics, and asks each name at the start of one whether it is a device: a device that sends nothing meanwhile is
/// not found, and the broker has to show all topics to this user.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl discover --mqtt mqtt://broker --add")]
pub(crate) struct Args {
    /// Broker whose devices to find: mqtt://[USER@]BROKER[:PORT] or mqtts://...
    #[arg(long, value_name = "URL")]
    mqtt: Option<String>,

    /// How long to listen for devices
    ///
    /// Behind a broker, otactl asks the names while it listens, and waits up to 3s more for the last answers.
    #[arg(long = "for", value_name = "DURATION", default_value = "3s", value_parser = values::duration)]
    limit: Duration,

    /// Give each device its id as a name in the configuration file
    #[arg(long)]
    add: bool,
}

/// Returns the failure of a `--mqtt` that is no URL of a broker.
fn not_a_broker(error: &TargetError) -> Failure {
    let message = match error {
        TargetError::Malformed(reason) => format!("--mqtt: {reason}"),
        error => format!("--mqtt: {error}"),
    };
    Failure::new(FailureKind::Usage, message).hint("write `--mqtt mqtt://BROKER`, or mqtts:// for a broker with TLS")
}

/// A device that was found. The texts are safe to print.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    id: String,
    /// The value of `--port`.
    port: String,
    platform: String,
    /// The version or the build id, as far as it is known.
    firmware: String,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let found = match &self.mqtt {
            Some(broker) => self.behind(context, broker).await?,
            None => self.announced(context).await?,
        };
        context.output.status_line.end();
        let value = found.iter().map(|found| {
            json!({ "port": found.port, "id": found.id, "platform": found.platform, "firmware": found.firmware })
        });
        if found.is_empty() && !context.output.has_events() {
            context.output.status(match &self.mqtt {
                Some(_) => {
                    "no device found: a device that sends nothing meanwhile is not seen; `--for 1m` listens longer"
                }
                None => "no device found; `--for 10s` looks longer, `--mqtt URL` looks behind a broker",
            });
        } else {
            let rows = found.iter().map(|Found { id, port, platform, firmware }| [port, id, platform, firmware]);
            let text = table(
                ["PORT", "DEVICE", "PLATFORM", "FIRMWARE"],
                rows.map(|row| row.map(Clone::clone)),
                context.output.result_columns(),
            );
            context.output.table(&value.collect(), &text)?;
        }
        if self.add { add(context, &found) } else { Ok(()) }
    }

    /// Returns the devices that announce themselves on the local network.
    async fn announced(&self, context: &Context) -> Result<BTreeSet<Found>, Failure> {
        context.output.status_line.command_waits("listening on the local network", Some(self.limit));
        let mut found = BTreeSet::new();
        let result = announced(self.limit, |device| {
            let (port, firmware) = (device.target(), device.build_id);
            found.insert(Found { id: device.id, port, platform: device.platform, firmware });
            context.output.status_line.set_text(&listening("on the local network", found.len()));
        });
        result.await.map_err(|error| {
            Failure::of(FailureKind::Other, &error).hint("`--mqtt URL` finds the devices behind a broker")
        })?;
        Ok(found)
    }

    /// Returns the devices behind a broker. Each name is asked as soon as it is heard of.
    async fn behind(&self, context: &Context, broker: &str) -> Result<BTreeSet<Found>, Failure> {
        let endpoint = target::broker(broker).map_err(|error| not_a_broker(&error))?;
        let options = context.options_of_broker(&endpoint)?;
        let status_line = &context.output.status_line;
        status_line.command_waits("listening to the broker", Some(self.limit));
        let (heard, begun) = (&Cell::new(0_usize), Cell::new(0_usize));
        let (sender, mut names) = mpsc::unbounded_channel();
        let mut listening_ends = pin!(async {
            let on_name = move |name| {
                heard.set(heard.get() + 1);
                // The receiver lives as long as this.
                let _ = sender.send(name);
            };
            topic_heads(&endpoint, options.connect_timeout, &options.tls, &options.mqtt, self.limit, on_name).await
        });
        let questions = stream::poll_fn(|cx| names.poll_recv(cx)).map(|name| {
            begun.set(begun.get() + 1);
            ask(context, &endpoint, name)
        });
        let mut answers = pin!(questions.buffer_unordered(AT_A_TIME));
        let (mut found, mut ended) = (BTreeSet::new(), 0_usize);
        let mut keep = |answer: Option<Found>| {
            ended += 1;
            found.extend(answer);
            found.len()
        };
        loop {
            tokio::select! {
                result = &mut listening_ends => break result?,
                Some(answer) = answers.next() => {
                    status_line.set_text(&listening("to the broker", keep(answer)));
                }
            }
        }
        let limit = context.timeout().min(MAX_ANSWER_TIME);
        status_line.command_waits("waiting for the last answers", Some(limit));
        // A question that began with this wait ends by itself.
        let until = Instant::now() + limit + GRACE;
        while let Ok(Some(answer)) = timeout_at(until, answers.next()).await {
            keep(answer);
        }
        let (heard, begun) = (heard.get(), begun.get());
        let (not_asked, cut_off) = (heard - begun, begun - ended);
        let problem = match (not_asked, cut_off) {
            (0, 0) => return Ok(found),
            (0, _) => format!("{cut_off} of {heard} names were asked for less than {limit:?}"),
            (_, 0) => format!("{not_asked} of {heard} names were not asked"),
            _ => format!("{not_asked} of {heard} names were not asked, and {cut_off} for less than {limit:?}"),
        };
        context.output.warn(&format!("{problem}; a `--for` above {:?} asks more", self.limit));
        Ok(found)
    }
}

/// Returns the text of the status line.
fn listening(place: &str, found: usize) -> String {
    match found {
        0 => format!("listening {place}"),
        1 => format!("listening {place}, 1 device found"),
        _ => format!("listening {place}, {found} devices found"),
    }
}

/// Asks whether a name is a device.
async fn ask(context: &Context, broker: &Endpoint, name: String) -> Option<Found> {
    let endpoint = broker.with_device(&name);
    let port = endpoint.with_user();
    let target = Target::Mqtt(endpoint);
    let device = context.connect(&target).ok()?;
    let limit = device.timeout().min(MAX_ANSWER_TIME);
    let info = device.call_within(ota::GetInfo {}, limit).await.ok()?;
    Some(Found {
        id: device_text(&info.id),
        port,
        platform: device_text(&info.arch),
        firmware: format!("{} {}", device_text(&info.app), device_text(&info.fw_version)).trim().into(),
    })
}

/// Names the devices that have no name yet. A device keeps the name that it has.
fn add(context: &Context, found: &BTreeSet<Found>) -> Result<(), Failure> {
    // A file that does not exist yet is created.
    let config = match context.config_file() {
        Some(path) if !path.exists() => Config::default(),
        given => Config::read(given)?,
    };
    let ports: HashSet<&str> = config.devices.iter().filter_map(|(_, section)| section.value("port")).collect();
    let mut new: Vec<NewDevice> = Vec::new();
    for Found { id, port, .. } in found {
        if ports.contains(port.as_str()) || config.device(id).is_some() {
            context.output.step("known", &format!("{id} at {port}"));
            continue;
        }
        if let Err(problem) = check_name(id) {
            context.output.warn(&format!("{problem}; `otactl devices add NAME --port {port}` names it"));
            continue;
        }
        // Of two addresses of one device, the first one stays.
        if new.last().is_none_or(|(last, _)| last != id) {
            new.push((id.clone(), vec![("port".into(), vec![port.clone()])]));
        }
    }
    edit::write_devices(context, &new)
}
