//! The manual pages, one per command. They consist of the clap model, and of sections that clap does not generate.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use otactl::sim::fault::KINDS;

use super::failure::EXIT_CODES;

/// The environment variables.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("OTACTL_PORT", "the device, as for --port"),
    ("MOS_PORT", "the device, if neither --port nor OTACTL_PORT is given"),
    ("OTACTL_TIMEOUT", "time limit of a call, as for --timeout"),
    ("OTACTL_RPC_CREDS", "user and password for the device: USER:PASSWORD"),
    ("OTACTL_CA_CERT_FILE", "file with the certificate authorities to trust, as for --ca-cert-file"),
    ("OTACTL_CERT_FILE", "file with the client certificate, as for --cert-file"),
    ("OTACTL_KEY_FILE", "file with the private key of the client certificate, as for --key-file"),
    ("NO_COLOR", "if set and not empty, the output has no colours"),
];

const EXAMPLES: [(&str, &str); 7] = [
    ("otactl --port sim: update firmware.zip", "Try an update on a simulated device."),
    (
        "otactl --port ws://192.168.1.5 update build/fw.zip",
        "Update a device, and commit the new firmware once it runs.",
    ),
    (
        "otactl --port http://192.168.1.5 update --url http://server/fw.zip --no-commit",
        "Let the device download the firmware from a server, and leave it uncommitted.",
    ),
    (
        "otactl --port ws://192.168.1.5 wait version 2.0.0 --for 10m",
        "Wait up to 10 minutes until version 2.0.0 runs; otherwise fail with exit code 5.",
    ),
    (
        "otactl --port ws://192.168.1.5 update build/fw.zip --check-http http://192.168.1.5/health --soak 30s",
        "Commit the new firmware only if it serves a page and runs for 30 s without a reboot.",
    ),
    ("MOS_PORT=ws://192.168.1.5 otactl commit", "Commit the running firmware."),
    ("otactl --port ws://192.168.1.5 call Config.Get '{\"key\": \"device.id\"}'", "Call any method of the device."),
];

/// Returns the manual pages with their file names.
pub(crate) fn pages(model: &Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut model = model.clone().disable_help_subcommand(true);
    model.build();
    let mut pages = vec![page(&model, "otactl", true)?];
    for command in model.get_subcommands() {
        let name = format!("otactl-{}", command.get_name());
        pages.push(page(command, &name, false)?);
    }
    Ok(pages)
}

fn page(command: &Command, name: &str, is_main: bool) -> io::Result<(String, Vec<u8>)> {
    // The page has a version, but no date: a date would change the page every day.
    let man = Man::new(command.clone().name(name.to_owned()).version(env!("CARGO_PKG_VERSION"))).date("");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if is_main {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    if command.get_name() == "simulate" {
        definitions(&mut rest, "FAULTS", KINDS.each_ref().map(|kind| (kind.usage(), kind.about)));
    }
    definitions(&mut rest, "EXIT STATUS", EXIT_CODES.map(|(code, meaning)| (code.to_string(), meaning)));
    definitions(&mut rest, "ENVIRONMENT", ENVIRONMENT.map(|(name, meaning)| (name.to_owned(), meaning)));
    let examples = EXAMPLES.iter().filter(|(line, _)| is_main || line.contains(&format!(" {}", command.get_name())));
    let examples: Vec<_> = examples.map(|(line, meaning)| ((*line).to_owned(), *meaning)).collect();
    if !examples.is_empty() {
        definitions(&mut rest, "EXAMPLES", examples);
    }
    rest.to_writer(&mut page)?;
    Ok((format!("{name}.1"), page))
}

/// Appends a section of terms and their meanings.
fn definitions(roff: &mut Roff, title: &str, entries: impl IntoIterator<Item = (String, &'static str)>) {
    roff.control("SH", [title]);
    for (term, meaning) in entries {
        roff.control("TP", []);
        roff.text([bold(term)]);
        roff.text([roman(meaning)]);
    }
}
