use std::time::{Duration, Instant};

use otactl::ota;
use otactl::rpc::{CallError, CallErrorKind, Device};
use otactl::text::device_text;
use serde::Serialize;
use serde_json::Value;

use crate::cli::clock::milliseconds;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::wrap::wrap;

/// The time limit of the call that reads the id of the device.
const INFO_TIMEOUT: Duration = Duration::from_secs(2);

/// Check that the device answers (RPC.Ping)
///
/// The time of the first answer includes connecting. On a terminal, otactl shows the id of the device and the time; elsewhere, it
/// prints the reply of the device.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port /dev/ttyUSB0 ping -n 10")]
pub(crate) struct Args {
    /// Ping this many times, and show the times
    ///
    /// The pings follow one another. Then otactl prints how many were lost, and the shortest, the median and the longest time. The
    /// command fails if all were lost.
    #[arg(long, short = 'n', value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let device = context.device().await?;
        if let Some(count) = self.count {
            return ping_often(context, &device, count).await;
        }
        let (value, elapsed) = ping(&device).await?;
        if context.output.is_read_by_a_person() {
            let info = device.call_within(ota::GetInfo {}, device.timeout().min(INFO_TIMEOUT)).await;
            let id = info.map(|info| info.id).unwrap_or_default();
            return context.output.table(&value, &fitted(context, answer(&id, elapsed, &value)));
        }
        context.output.result(&value)?;
        if context.output.is_interactive() {
            context
                .output
                .status(&format!("answered after {:.1} ms, connecting included", elapsed.as_secs_f64() * 1e3));
        }
        Ok(())
    }
}

/// Pings the device `count` times, one after another, and prints the times. Fails if all pings were lost.
///
/// An answer with an error ends the command: the device would repeat it.
async fn ping_often(context: &Context, device: &Device, count: u32) -> Result<(), Failure> {
    let (mut times, mut last_error) = (Vec::new(), None);
    context.output.status_line.command_waits("pinging", None);
    for sent in 1..=count {
        match ping(device).await {
            Ok((_, elapsed)) => times.push(elapsed),
            Err(error) if matches!(error.kind(), CallErrorKind::Unreachable | CallErrorKind::TimedOut) => {
                device.drop_link();
                last_error = Some(error);
            }
            Err(error) => return Err(error.into()),
        }
        context.output.status_line.set_text(&format!("{sent} of {count} pings sent, {} answered", times.len()));
    }
    match (PingTimes::of(count, times), last_error) {
        (Some(times), _) => {
            let value = serde_json::to_value(&times).unwrap_or_default();
            context.output.table(&value, &fitted(context, times.to_string()))
        }
        (None, Some(error)) => Err(error.into()),
        (None, None) => Ok(()),
    }
}

/// Returns a line that fits the terminal, if results go to one.
fn fitted(context: &Context, line: String) -> String {
    match context.output.result_columns() {
        Some(columns) => wrap(&line, 0, 0, columns),
        None => line,
    }
}

async fn ping(device: &Device) -> Result<(Value, Duration), CallError> {
    let started = Instant::now();
    let value = device.call_value(ota::Ping {}).await?;
    Ok((value, started.elapsed()))
}

/// Describes an answer: the id of the device, the time, and the channel in the reply.
fn answer(id: &str, elapsed: Duration, reply: &Value) -> String {
    let id = if id.is_empty() { "the device".into() } else { device_text(id) };
    let channel = reply["channel_info"].as_str().map(|channel| format!(" ({})", device_text(channel)));
    format!("{id} answers in {}{}", milliseconds(elapsed), channel.unwrap_or_default())
}

/// The times of several pings.
#[derive(Debug, PartialEq, Serialize)]
struct PingTimes {
    sent: u32,
    lost: u32,
    min_ms: f64,
    median_ms: f64,
    max_ms: f64,
}

impl PingTimes {
    /// Returns the times of `sent` pings, of which those in `times` were answered. `None` if none was.
    fn of(sent: u32, mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let (min, max) = (times.first()?, times.last()?);
        let median = (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2;
        let [min_ms, median_ms, max_ms] = [*min, median, *max].map(|time| (time.as_secs_f64() * 1e6).round() / 1e3);
        let lost = sent.saturating_sub(u32::try_from(times.len()).unwrap_or(sent));
        Some(Self { sent, lost, min_ms, median_ms, max_ms })
    }
}

impl std::fmt::Display for PingTimes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { sent, lost, .. } = self;
        let [min, median, max] = [self.min_ms, self.median_ms, self.max_ms]
            .map(|time| milliseconds(Duration::try_from_secs_f64(time / 1e3).unwrap_or_default()));
        let noun = if *sent == 1 { "ping" } else { "pings" };
        write!(f, "{sent} {noun}, {lost} lost: min {min}, median {median}, max {max}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answer_names_what_is_known() {
        for (id, micros, reply, expected) in [
            ("esp32_AABBCC", 13_200, json!({ "channel_info": "UART0" }), "esp32_AABBCC answers in 13 ms (UART0)"),
            ("", 440, json!({}), "the device answers in 0.4 ms"),
            ("dev", 9_960, json!(null), "dev answers in 10 ms"),
        ] {
            assert_eq!(answer(id, Duration::from_micros(micros), &reply), expected);
        }
    }

    #[test]
    fn times_of_several_pings_are_summed_up() {
        for (sent, millis, expected) in [
            (1, &[7][..], Some("1 ping, 0 lost: min 7.0 ms, median 7.0 ms, max 7.0 ms")),
            (3, &[30, 10, 20], Some("3 pings, 0 lost: min 10 ms, median 20 ms, max 30 ms")),
            (6, &[40, 10, 30, 20], Some("6 pings, 2 lost: min 10 ms, median 25 ms, max 40 ms")),
            (4, &[], None),
        ] {
            let times = PingTimes::of(sent, millis.iter().copied().map(Duration::from_millis).collect());
            assert_eq!(times.map(|times| times.to_string()).as_deref(), expected, "{millis:?}");
        }
    }
}
