//! Who has a port open, where the system tells.

use std::path::Path;

/// A program beside this one that has the port open: its name and its number.
#[cfg(target_os = "linux")]
pub(super) fn of(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let process = locked_by(&path).or_else(|| opened_by(&path))?;
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    Some(format!("`{}` (process {process})", name.trim()))
}

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn of(_: &Path) -> Option<String> {
    None
}

/// Whoever holds a lock on it, as most programs for serial ports do.
#[cfg(target_os = "linux")]
fn locked_by(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;

    let port = std::fs::metadata(path).ok()?;
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // 1: FLOCK  ADVISORY  WRITE 4711 00:18:3 0 EOF
    let holders = locks.lines().filter(|line| line.contains(" FLOCK ")).filter_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(4);
        let process = fields.next()?.parse().ok()?;
        let (device, inode) = fields.next()?.rsplit_once(':')?;
        let minor = u64::from_str_radix(device.rsplit_once(':')?.1, 16).ok()?;
        let is_port = inode.parse() == Ok(port.ino()) && minor & 0xff == port.dev() & 0xff;
        is_port.then_some(process)
    });
    holders.into_iter().find(|process| *process != std::process::id())
}

/// Whoever has it open. Of the programs of others, the system tells nothing.
#[cfg(target_os = "linux")]
fn opened_by(path: &Path) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|process| *process != std::process::id()).find(|process| {
        let files = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        let files: Vec<_> = files.filter_map(|file| std::fs::read_link(file.path()).ok()).collect();
        // Whoever made a pseudo terminal has it open too, and reads nothing of it.
        let made_it = files.iter().any(|file| file.ends_with("ptmx"));
        files.iter().any(|file| file == path) && !made_it
    })
}
