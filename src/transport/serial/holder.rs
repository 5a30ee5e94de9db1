//! Finds the program that has a port open. Only Linux reports it.

use std::path::Path;

/// Returns the name and the process id of another program that has the port open.
#[cfg(target_os = "linux")]
pub(crate) fn find(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let process = locked_by(&path).or_else(|| opened_by(&path))?;
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    Some(format!("`{}` (process {process})", name.trim()))
}

/// Returns `None`: other systems do not report which program has a port open.
#[cfg(not(target_os = "linux"))]
pub(crate) fn find(_: &Path) -> Option<String> {
    None
}

/// Returns the process that holds a lock on the port. Most programs for serial ports lock the port.
#[cfg(target_os = "linux")]
fn locked_by(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;

    let port = std::fs::metadata(path).ok()?;
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // An example of a line: 1: FLOCK  ADVISORY  WRITE 4711 00:18:3 0 EOF
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

/// Returns a process that has the port open. The system hides the open files of other users.
#[cfg(target_os = "linux")]
fn opened_by(path: &Path) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let process_ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    process_ids.filter(|process| *process != std::process::id()).find(|process| {
        let files = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        let files: Vec<_> = files.filter_map(|file| std::fs::read_link(file.path()).ok()).collect();
        // The process that has created a pseudo terminal has it open, too, but does not read from it.
        let is_creator = files.iter().any(|file| file.ends_with("ptmx"));
        files.iter().any(|file| file == path) && !is_creator
    })
}
