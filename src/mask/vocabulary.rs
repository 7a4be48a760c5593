//! The words that are nobody's: those that the program itself knows, and those of every system.
//!
//! Not for what becomes of all others (`word`).

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

/// Every word of the rooms that read answers and write reports, and of the embedded checks; made by `build.rs`. What the
/// program compares an answer with is among them, so nothing that it decides depends on any other word.
static OWN: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!(concat!(env!("OUT_DIR"), "/words.txt")).lines().collect());

/// Words of systems, networks and clocks that the program need not know.
static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| COMMON_WORDS.split_whitespace().collect());

const COMMON_WORDS: &str = "\
    barrier nobarrier fmask dmask umask gid uid mode iocharset shortname codepage hwhandler prio status path policy priority
    jan feb mar apr may jun jul aug sep oct nov dec mon tue wed thu fri sat sun utc gmt cet cest est edt pst pdt smp
    com net org edu gov local localdomain localhost lan internal test example invalid arpa home private
    bin boot dev etc lib mnt media opt proc root run sbin srv sys tmp usr var log spool cache swap efi
    lo eth scope global link host brd inet inet6 noprefixroute dynamic valid preferred forever
    no such file or directory permission denied connection refused timed out operation not permitted input output error
    device resource busy is address already in use network unreachable argument invalid too many open files space left on
    read only system broken pipe name service known temporary failure resolution
    http https ftp ssh rsa dsa ecdsa ed25519 begin end key openssh openssl debian ubuntu centos redhat rhel fedora suse sles
    linux gnu windows microsoft corporation vmware inc virtual platform machine intel amd dell hp hpe lenovo cisco
    html head body div span style class title table thead tbody tr td th ul ol li href id lang charset utf content
    quot amp lt gt apos nbsp";

/// Forms of words that name no one: devices, versions with letters, sizes, times.
static FORMS: LazyLock<Regex> = LazyLock::new(|| {
    let forms = [
        // Disks, their partitions, other devices.
        r"(sd|hd|vd|xvd)[a-z]{1,2}\d{0,3}",
        r"(dm|md|sr|sg|st|fd|loop|ram|tty|ttys|eth|ens|eno|em|bond|team|br|vlan|vmnic|vmk|naa|eui|lun)\d{1,4}",
        r"enp\d+s\d+(f\d+)?|nvme\d+(n\d+)?(p\d+)?|mmcblk\d+(p\d+)?|c\d+t\d+d\d+|c\d+|t\d+|l\d+|p\d+",
        // Releases and versions: el6, 9el7, deb12u10, 7ubuntu3, vmx09, 12a, tlsv1.
        r"\d*(el|fc|deb|ubuntu|rhel|sles|ol|amzn|oe|vmx|rc|beta|u|r|v|p|b|tls|tlsv|sslv|ipv|smbv|nfsv?|vmfs)\d+([u_]\d+)?",
        r"\d{1,12}[a-z]",
        // Guest ids of vSphere.
        r"(centos|rhel|redhat|sles|suse|opensuse|ubuntu|debian|oraclelinux|asianux|fedora|(other)?\d*x?linux|win[a-z]*|freebsd|coreos|rocky|almalinux)[0-9_a-z]*guest",
        // Sizes and times: 64kb, 4096m, 30T06, 06Z, 1st, 10feb2017.
        r"\d+(kb|mb|gb|tb|pb|kib|mib|gib|tib|ms|us|ns|st|nd|rd|th|min|hz|mhz|ghz|bit|px|em|rem|vh|vw|fr|deg)",
        r"\d{2}t\d{2}(z|\d{2}z?|\d{4}z?)?",
        r"\d{1,2}(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\d{2,4}",
    ];
    Regex::new(&format!("^(?:{})$", forms.join("|"))).expect("a valid pattern")
});

/// Whether a word, in small letters, is nobody's name.
pub fn is_known(word: &str) -> bool {
    is_word(word) || FORMS.is_match(word)
}

/// Whether a word, in small letters, is one of a language, a system or this program.
pub fn is_word(word: &str) -> bool {
    OWN.contains(word) || COMMON.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_rules_and_members_are_known_and_names_of_samples_are_not() {
        for word in [
            "xfs", "vfat", "reiserfs", "mastertarget", "hostname", "sda1", "dm", "el6", "pvscsi",
            "applicable",
        ] {
            assert!(is_known(word), "{word}");
        }
        for word in ["mt1", "cs01", "qorvex", "smythe", "contoso", "4a2bx9"] {
            assert!(!is_known(word), "{word}");
        }
    }
}
