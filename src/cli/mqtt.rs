//! The options for MQTT.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;
use otactl::secrets;
use otactl::transport::mqtt::MqttSettings;
use otactl::transport::target::{Endpoint, Login};

use super::failure::Failure;
use super::{credentials, environment, values};

/// The options for brokers.
#[derive(Debug, Args)]
#[command(next_help_heading = "MQTT")]
pub(crate) struct MqttArgs {
    /// File with the password for the broker in its first line; - for a prompt
    ///
    /// If neither this option nor the URL gives a password, otactl uses OTACTL_MQTT_PASSWORD.
    #[arg(long = "mqtt-password-file", global = true, value_name = "FILE")]
    #[arg(env = "OTACTL_MQTT_PASSWORD_FILE", hide_env_values = true, hide_short_help = true)]
    password_file: Option<PathBuf>,

    /// MQTT client id, for a broker whose rules require a certain one
    #[arg(long = "mqtt-client-id", global = true, value_name = "ID", value_parser = values::topic)]
    #[arg(env = "OTACTL_MQTT_CLIENT_ID", hide_env_values = true, hide_short_help = true)]
    client_id: Option<String>,

    /// Source name of the requests: the device replies on the topic SRC/rpc [default: DEVICE/rpc-resp/CLIENT-ID]
    #[arg(long = "mqtt-src", global = true, value_name = "SRC", value_parser = values::topic)]
    #[arg(env = "OTACTL_MQTT_SRC", hide_env_values = true, hide_short_help = true)]
    src: Option<String>,

    /// Topic of all requests [default: DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc]
    #[arg(long = "mqtt-pub-topic", global = true, value_name = "TOPIC", value_parser = values::topic)]
    #[arg(env = "OTACTL_MQTT_PUB_TOPIC", hide_env_values = true, hide_short_help = true)]
    pub_topic: Option<String>,

    /// Topic of the replies [default: SRC/rpc]
    #[arg(long = "mqtt-sub-topic", global = true, value_name = "TOPIC", value_parser = values::topic)]
    #[arg(env = "OTACTL_MQTT_SUB_TOPIC", hide_env_values = true, hide_short_help = true)]
    sub_topic: Option<String>,

    /// Topic of the device's last will, read when the device does not reply
    #[arg(long = "mqtt-will-topic", global = true, value_name = "TOPIC", value_parser = values::topic)]
    #[arg(env = "OTACTL_MQTT_WILL_TOPIC", hide_env_values = true, hide_short_help = true)]
    will_topic: Option<String>,

    /// The password after it was read, so that there is one prompt for any number of devices.
    #[arg(skip)]
    password: Rc<OnceCell<Option<String>>>,
}

impl MqttArgs {
    /// Shares the password with `other` if both come from the same file or prompt, so that there is one prompt for several devices.
    pub(crate) fn share_password(&mut self, other: &Self) {
        if self.password_file == other.password_file {
            self.password = Rc::clone(&other.password);
        }
    }

    /// Returns the settings for a broker. Reads the password if the URL gives a user without one.
    pub(crate) fn settings(&self, endpoint: &Endpoint) -> Result<MqttSettings, Failure> {
        let needs_password = matches!(endpoint.login, Some(Login { password: None, .. }));
        let password = if needs_password { self.password()? } else { None };
        if let Some(password) = &password {
            secrets::remember(password);
        }
        Ok(MqttSettings {
            password,
            client_id: self.client_id.clone(),
            src: self.src.clone(),
            pub_topic: self.pub_topic.clone(),
            sub_topic: self.sub_topic.clone(),
            will_topic: self.will_topic.clone(),
        })
    }

    fn password(&self) -> Result<Option<String>, Failure> {
        if let Some(password) = self.password.get() {
            return Ok(password.clone());
        }
        let password = self.read_password()?;
        Ok(self.password.get_or_init(|| password).clone())
    }

    fn read_password(&self) -> Result<Option<String>, Failure> {
        match &self.password_file {
            Some(path) if path == Path::new("-") => credentials::ask("Password for the broker: ").map(Some),
            Some(path) => credentials::first_line(path).map(Some),
            None => environment::variable("OTACTL_MQTT_PASSWORD"),
        }
    }
}
