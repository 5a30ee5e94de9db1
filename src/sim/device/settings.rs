//! The settings of a boot: how they are loaded, changed and saved.
//!
//! The settings of a level `N` are the factory settings with the changes in the files `conf1.json` to `confN.json`. Level
//! 9 is that of the user. A file with `.try` behind its name is used instead of the other one, and removed at the next
//! boot.

use serde_json::Value;

use crate::sim::device::config_tree::ConfigTree;
use crate::sim::device::log_settings::LogSettings;
use crate::sim::device::state_machine::SimulatedDevice;

/// The level of the user.
pub const USER_LEVEL: u8 = 9;

impl SimulatedDevice {
    /// Returns the settings, with the changes since the boot.
    #[must_use]
    pub fn settings(&self) -> &ConfigTree {
        &self.settings
    }

    /// Returns the settings with which the device has booted.
    #[must_use]
    pub fn booted_settings(&self) -> &ConfigTree {
        &self.booted_settings
    }

    /// Returns the settings of a level.
    #[must_use]
    pub fn level_settings(&self, level: u8) -> ConfigTree {
        self.load(level)
    }

    /// Returns what the log is set to.
    #[must_use]
    pub fn log_settings(&self) -> &LogSettings {
        &self.log_settings
    }

    /// Sets the log until the next reboot.
    pub fn set_log(&mut self, settings: LogSettings) {
        self.log_settings = settings;
    }

    /// Changes the factory settings and those of this boot.
    pub fn preset_settings(&mut self, changes: &Value) {
        for settings in [&mut self.factory_settings, &mut self.settings, &mut self.booted_settings] {
            // The caller knows the types of the settings.
            let _ = settings.set("", changes, "*");
        }
    }

    /// Changes settings until the next reboot. An error tells the first value of a wrong type.
    pub fn change_settings(&mut self, key: &str, value: &Value) -> Result<(), String> {
        let acl = self.settings.text("conf_acl").to_owned();
        self.settings.set(key, value, &acl)
    }

    /// Saves the settings of this boot. With `try_once`, they last for one boot.
    pub fn save_settings(&mut self, try_once: bool) -> Result<(), String> {
        self.save_level(&self.settings.clone(), USER_LEVEL, try_once)
    }

    /// Saves the settings of a level.
    pub fn save_level(&mut self, settings: &ConfigTree, level: u8, try_once: bool) -> Result<(), String> {
        validate(settings)?;
        let text = settings.changes_from(&self.load(level.saturating_sub(1)));
        let (file, try_file) = file_names(level);
        let files = self.files_mut();
        if !try_once {
            files.remove(&try_file);
        }
        // The device writes another file and renames it. The old file stays if the new one does not fit.
        let (target, mut changed) = (if try_once { &try_file } else { &file }, files.clone());
        changed.replace(target, text.as_bytes()).map_err(|_| "failed to write file")?;
        *files = changed;
        Ok(())
    }

    /// Makes a file of the settings that an older simulator has saved.
    pub(super) fn adopt_old_settings(&mut self) {
        let saved = self.flash.settings.take();
        if !saved.is_null() {
            let mut settings = self.factory_settings.clone();
            // All values of the file count that fit the settings of today.
            let _ = settings.set("", &saved, "*");
            let text = settings.changes_from(&self.factory_settings);
            for files in &mut self.flash.files {
                // The file systems are those of the factory, which have room.
                let _ = files.replace(&file_names(USER_LEVEL).0, text.as_bytes());
            }
        }
    }

    /// Loads the settings of a boot.
    pub(super) fn load_settings(&mut self) {
        self.settings = self.load(USER_LEVEL);
        if !self.files().is_factory() {
            for level in 1..=USER_LEVEL {
                self.files_mut().remove(&file_names(level).1);
            }
        }
        self.booted_settings = self.settings.clone();
        self.log_settings = LogSettings {
            udp_addr: self.settings.text("debug.udp_log_addr").into(),
            level: self.settings.integer("debug.level").unwrap_or_default(),
            file_level: self.settings.text("debug.file_level").into(),
        };
    }

    /// Reads the settings of a level from the files.
    fn load(&self, level: u8) -> ConfigTree {
        let mut settings = self.factory_settings.clone();
        if self.files().is_factory() {
            return settings;
        }
        let mut acl = String::from("*");
        for level in 1..=level.min(USER_LEVEL) {
            let (file, try_file) = file_names(level);
            let content = self.files().get(&try_file).or_else(|| self.files().get(&file));
            if let Some(changes) = content.and_then(|content| serde_json::from_slice::<Value>(content).ok()) {
                // The values before a wrong one count.
                let _ = settings.set("", &changes, &acl);
            }
            settings.text("conf_acl").clone_into(&mut acl);
        }
        settings
    }
}

/// Returns the names of the file of a level and of the file that is tried once.
fn file_names(level: u8) -> (String, String) {
    (format!("conf{level}.json"), format!("conf{level}.json.try"))
}

/// Checks the settings of Wi-Fi as the device does before it saves.
fn validate(settings: &ConfigTree) -> Result<(), String> {
    let check = |kind: &str, group: &str, least: usize| {
        let text = |name: &str| settings.text(&format!("{group}.{name}"));
        if !settings.flag(&format!("{group}.enable")) {
            return Ok(());
        }
        if !(1..=31).contains(&text("ssid").len()) {
            return Err(format!("{kind} SSID must be between 1 and 31 chars"));
        }
        // The message names the length of a WPA password. A WEP password may be shorter.
        if !text("pass").is_empty() && !(least..=63).contains(&text("pass").len()) {
            return Err(format!("{kind} password must be between 8 and 63 chars"));
        }
        Ok(())
    };
    check("AP", "wifi.ap", 8)?;
    let missing = |name: &&str| settings.text(&format!("wifi.ap.{name}")).is_empty();
    if settings.flag("wifi.ap.enable") && ["ip", "netmask", "dhcp_start", "dhcp_end"].iter().any(missing) {
        return Err("AP IP, netmask, DHCP start and end addresses must be set".into());
    }
    check("STA", "wifi.sta", 5)?;
    if settings.flag("wifi.sta.enable")
        && !settings.text("wifi.sta.ip").is_empty()
        && settings.text("wifi.sta.netmask").is_empty()
    {
        return Err("Station static IP is set but no netmask provided".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use serde_json::json;

    use super::*;
    use crate::sim::config::Config;
    use crate::sim::device::tests::{device, reboot};
    use crate::sim::firmware::Firmware;
    use crate::sim::generation::Generation;

    const NEW: &str = "2.0.0";

    fn timeout(device: &SimulatedDevice) -> Option<u64> {
        device.settings().number("update.timeout")
    }

    fn set_timeout(device: &mut SimulatedDevice, seconds: u64) {
        device.change_settings("", &json!({"update": {"timeout": seconds}})).expect("a number");
    }

    #[test]
    fn settings_last_as_long_as_they_are_saved() {
        let now = Instant::now();
        let mut device = device(Generation::Y2022, now);
        set_timeout(&mut device, 5);
        assert_eq!(timeout(&device), Some(5));
        reboot(&mut device, now);
        assert_eq!(timeout(&device), Some(600), "not saved");
        set_timeout(&mut device, 5);
        device.save_settings(true).expect("saved");
        assert_eq!(device.level_settings(9).number("update.timeout"), Some(5), "the file to try counts");
        reboot(&mut device, now);
        assert_eq!(timeout(&device), Some(5), "tried once");
        reboot(&mut device, now);
        assert_eq!(timeout(&device), Some(600));
        set_timeout(&mut device, 5);
        device.save_settings(false).expect("saved");
        reboot(&mut device, now);
        reboot(&mut device, now);
        assert_eq!(timeout(&device), Some(5));
        let expected = "{\n  \"update\": {\n    \"timeout\": 5\n  }\n}";
        assert_eq!(device.files().get("conf9.json"), Some(expected.as_bytes()));
        device.files_mut().remove("conf9.json");
        reboot(&mut device, now);
        assert_eq!(timeout(&device), Some(600), "the file holds the settings");
    }

    #[test]
    fn higher_level_wins_and_saves_only_its_own_changes() {
        let now = Instant::now();
        let mut device = device(Generation::Y2022, now);
        let mut vendor = device.level_settings(5);
        vendor.set("", &json!({"update": {"timeout": 50, "interval": 50}}), "*").expect("set");
        device.save_level(&vendor, 5, false).expect("saved");
        assert_eq!(timeout(&device), Some(600), "until the next boot");
        reboot(&mut device, now);
        set_timeout(&mut device, 90);
        device.save_settings(false).expect("saved");
        reboot(&mut device, now);
        assert_eq!((timeout(&device), device.level_settings(5).number("update.timeout")), (Some(90), Some(50)));
        assert_eq!(device.level_settings(0).number("update.timeout"), Some(600));
        let user = String::from_utf8(device.files().get("conf9.json").expect("saved").into()).expect("UTF-8");
        assert!(user.contains("timeout") && !user.contains("interval"), "{user}");
    }

    #[test]
    fn acl_of_a_lower_level_binds_the_higher_ones() {
        let now = Instant::now();
        let mut device = device(Generation::Y2022, now);
        device.files_mut().replace("conf5.json", br#"{"conf_acl": "mqtt.*"}"#).expect("written");
        device
            .files_mut()
            .replace("conf9.json", br#"{"update": {"timeout": 5}, "mqtt": {"enable": true}}"#)
            .expect("written");
        reboot(&mut device, now);
        assert_eq!((timeout(&device), device.settings().flag("mqtt.enable")), (Some(600), true));
        set_timeout(&mut device, 7);
        assert_eq!(timeout(&device), Some(600));
    }

    #[test]
    fn settings_of_an_older_simulator_become_a_file() {
        let now = Instant::now();
        let mut flash = device(Generation::Y2022, now).flash().clone();
        flash.settings = json!({"update": {"timeout": 5}});
        let text =
            serde_json::to_string(&SimulatedDevice::power_on(flash, &Config::default(), now).flash()).expect("JSON");
        let flash = serde_json::from_str(&text).expect("a flash");
        assert_eq!(timeout(&SimulatedDevice::power_on(flash, &Config::default(), now)), Some(5), "{text}");
    }

    #[test]
    fn broken_file_is_ignored() {
        let now = Instant::now();
        let mut device = device(Generation::Y2022, now);
        device.files_mut().replace("conf9.json", b"{\"update\": {\"timeout\": 5").expect("written");
        reboot(&mut device, now);
        assert_eq!(timeout(&device), Some(600));
    }

    /// Each slot has its own file system. A new firmware takes over the files of the old one at its first boot.
    #[test]
    fn rollback_restores_the_settings_of_the_old_firmware() {
        let now = Instant::now();
        let mut device = device(Generation::Y2022, now);
        set_timeout(&mut device, 5);
        device.save_settings(false).expect("saved");
        device.install(Firmware { version: NEW.into(), ..device.firmware().clone() }, 60, now);
        reboot(&mut device, now);
        assert_eq!((device.firmware().version.as_str(), timeout(&device)), (NEW, Some(5)));
        set_timeout(&mut device, 7);
        device.save_settings(false).expect("saved");
        reboot(&mut device, now);
        assert_eq!((device.firmware().version.as_str(), timeout(&device)), ("1.0.0", Some(5)));
    }

    #[test]
    fn full_file_system_keeps_the_old_settings() {
        let now = Instant::now();
        let mut device = device(Generation::Y2022, now);
        set_timeout(&mut device, 5);
        device.save_settings(false).expect("saved");
        let _ = device.files_mut().replace("big", &vec![0; 1 << 20]);
        device.change_settings("", &json!({"update": {"url": "u".repeat(2000)}})).expect("set");
        assert_eq!(device.save_settings(false), Err("failed to write file".into()));
        reboot(&mut device, now);
        assert_eq!((timeout(&device), device.settings().text("update.url")), (Some(5), ""));
    }

    #[test]
    fn unusable_wifi_is_not_saved() {
        for (change, expected) in [
            (json!({"sta": {"enable": true}}), Err("STA SSID must be between 1 and 31 chars")),
            (json!({"sta": {"enable": true, "ssid": "x".repeat(32)}}), Err("STA SSID must be between 1 and 31 chars")),
            (
                json!({"sta": {"enable": true, "ssid": "lab", "pass": "1234"}}),
                Err("STA password must be between 8 and 63 chars"),
            ),
            (
                json!({"sta": {"enable": true, "ssid": "lab", "ip": "10.0.0.2"}}),
                Err("Station static IP is set but no netmask provided"),
            ),
            (json!({"ap": {"enable": true, "pass": "1234567"}}), Err("AP password must be between 8 and 63 chars")),
            (
                json!({"ap": {"enable": true, "netmask": ""}}),
                Err("AP IP, netmask, DHCP start and end addresses must be set"),
            ),
            (json!({"sta": {"enable": false, "ssid": "", "pass": "1"}}), Ok(())),
            (json!({"sta": {"enable": true, "ssid": "lab", "pass": "12345"}, "ap": {"enable": true}}), Ok(())),
        ] {
            let mut device = device(Generation::Y2022, Instant::now());
            device.change_settings("wifi", &change).expect("set");
            assert_eq!(device.save_settings(false), expected.map_err(Into::into), "{change}");
        }
    }
}
